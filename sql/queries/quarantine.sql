-- Files that were not imported.

-- name: reject_version
-- Store the rejected version of a good file.
UPDATE processed_files
SET rejected_at = CASE WHEN rejected_content = %(content)s THEN rejected_at ELSE now() END,
    rejected_hash = %(source_hash)s, rejected_size = %(source_size)s, rejected_content = %(content)s, rejected_reason = %(reason)s,
    rejected_line = %(line)s, rejected_mtime = %(source_mtime)s, discarded_at = NULL
WHERE server_id = %(server_id)s AND filename = %(filename)s

-- name: quarantined
-- The quarantine: files that never were good, and rejected versions of good files.
SELECT f.id, s.name AS server, f.filename, f.success AS has_good,
       CASE WHEN f.success THEN f.rejected_reason ELSE f.error_message END AS reason,
       CASE WHEN f.success THEN f.rejected_line ELSE f.error_line END AS line,
       CASE WHEN f.success THEN coalesce(f.rejected_size, octet_length(f.rejected_content)) ELSE f.source_size END AS size_bytes,
       CASE WHEN f.success THEN f.rejected_hash ELSE f.source_hash END AS file_hash,
       CASE WHEN f.success THEN f.rejected_at ELSE f.processed_at END AS since,
       f.discarded_at
FROM processed_files f JOIN servers s ON s.id = f.server_id
WHERE (NOT f.success OR f.rejected_hash IS NOT NULL)
  AND (%(with_discarded)s OR f.discarded_at IS NULL)
  AND (%(words)s::text[] IS NULL OR f.filename = ANY(%(words)s) OR f.id::text = ANY(%(words)s))
ORDER BY since, f.filename COLLATE "C"

-- name: quarantined_content
SELECT CASE WHEN success THEN rejected_content ELSE content END AS content,
       CASE WHEN success THEN rejected_mtime ELSE source_mtime END AS source_mtime
FROM processed_files WHERE id = %(id)s

-- name: discard_quarantined
-- Hide entries; the content stays, and other content under the same name counts as new.
UPDATE processed_files SET discarded_at = now()
WHERE id = ANY(%(ids)s) AND (NOT success OR rejected_hash IS NOT NULL)

-- name: reopen_quarantined
-- Let unchanged files be checked again: a rejected version is recognized by its hash.
UPDATE processed_files
SET discarded_at = NULL, rejected_hash = CASE WHEN rejected_hash IS NOT NULL THEN repeat('0', 64) END
WHERE id = ANY(%(ids)s)
