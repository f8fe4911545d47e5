UPDATE processed_files
SET source_mtime = coalesce(%(source_mtime)s, source_mtime), rejected_hash = NULL, rejected_content = NULL,
    rejected_reason = NULL, rejected_line = NULL, rejected_at = NULL, rejected_mtime = NULL
WHERE id = %(id)s
