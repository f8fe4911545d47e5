-- What is in quarantine: files that were never good, and bad versions that wait beside a good one.
SELECT f.id, s.name AS server, f.filename, f.success AS has_good,
       CASE WHEN f.success THEN f.rejected_reason ELSE f.error_message END AS reason,
       CASE WHEN f.success THEN f.rejected_line ELSE f.error_line END AS line,
       CASE WHEN f.success THEN octet_length(f.rejected_content) ELSE f.size_bytes END AS size_bytes,
       CASE WHEN f.success THEN f.rejected_hash ELSE f.file_hash END AS file_hash,
       CASE WHEN f.success THEN f.rejected_at ELSE f.processed_at END AS since,
       f.discarded_at
FROM processed_files f JOIN servers s ON s.id = f.server_id
WHERE (NOT f.success OR f.rejected_hash IS NOT NULL)
  AND (%(with_discarded)s OR f.discarded_at IS NULL)
  AND (%(words)s::text[] IS NULL OR f.filename = ANY(%(words)s) OR f.id::text = ANY(%(words)s))
ORDER BY since, f.filename COLLATE "C"
