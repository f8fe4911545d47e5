-- Every file that the base knows of a server, with what became of it. A bad version that waits beside a good one
-- is what the source showed last.
SELECT f.filename,
       coalesce(octet_length(f.rejected_content), f.source_size) AS size,
       CASE WHEN f.rejected_hash IS NULL THEN f.source_mtime ELSE f.rejected_mtime END AS mtime,
       f.size_bytes AS archived_size,
       f.success,
       f.duplicate_of IS NOT NULL AS is_duplicate,
       (NOT f.success OR f.rejected_hash IS NOT NULL) AND f.discarded_at IS NULL AS waits,
       r.id IS NOT NULL AS has_round,
       r.round1_id IS NOT NULL OR two.id IS NOT NULL AS is_paired,
       coalesce(r.is_cumulative, false) AS is_cumulative
FROM processed_files f
LEFT JOIN rounds r ON r.file_id = f.id
LEFT JOIN rounds two ON two.round1_id = r.id
WHERE f.server_id = %(server_id)s
ORDER BY f.filename
