-- A file that was never good: its bytes are kept with the reason.
INSERT INTO processed_files AS f
    (id, server_id, filename, file_hash, size_bytes, content, source_hash, source_size, source_mtime,
     success, error_message, error_line)
OVERRIDING SYSTEM VALUE
VALUES (%(id)s, %(server_id)s, %(filename)s, %(file_hash)s, %(size_bytes)s, %(content)s,
        %(source_hash)s, %(source_size)s, %(source_mtime)s, false, %(reason)s, %(line)s)
ON CONFLICT (server_id, filename) DO UPDATE
SET file_hash = excluded.file_hash, size_bytes = excluded.size_bytes, content = excluded.content,
    source_hash = excluded.source_hash, source_size = excluded.source_size, source_mtime = excluded.source_mtime,
    error_message = excluded.error_message, error_line = excluded.error_line, discarded_at = NULL,
    processed_at = CASE WHEN f.source_hash = excluded.source_hash THEN f.processed_at ELSE now() END
