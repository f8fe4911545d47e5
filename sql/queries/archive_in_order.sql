-- The files of one server in the order of their names, and what an import made of them. `session_end` is the last
-- file of the gaming session that the file's round is in: what is derived again must hold all of it.
SELECT f.id, f.filename, f.source_mtime, f.success, f.discarded_at IS NOT NULL AS discarded, f.duplicate_of,
       NOT f.success AND f.error_line IS NULL AS refused,
       CASE WHEN count(*) OVER (PARTITION BY f.source_hash) > 1 THEN f.source_hash END AS twin_hash,
       CASE WHEN r.id IS NOT NULL
            THEN max(f.filename COLLATE "C") OVER (PARTITION BY r.gaming_session_id) END AS session_end
FROM processed_files f
LEFT JOIN rounds r ON r.file_id = f.id
WHERE f.server_id = %(server_id)s
ORDER BY f.filename COLLATE "C"
