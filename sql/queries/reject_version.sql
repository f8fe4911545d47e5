-- A bad version of a file that is good: it waits beside it.
UPDATE processed_files
SET rejected_at = CASE WHEN rejected_content = %(content)s THEN rejected_at ELSE now() END,
    rejected_hash = %(source_hash)s, rejected_content = %(content)s, rejected_reason = %(reason)s,
    rejected_line = %(line)s, rejected_mtime = %(source_mtime)s, discarded_at = NULL
WHERE server_id = %(server_id)s AND filename = %(filename)s
