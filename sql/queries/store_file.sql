-- A good file, new or replacing what was there under its name.
INSERT INTO processed_files
    (id, server_id, filename, file_hash, size_bytes, content, source_hash, source_size, source_mtime, success,
     duplicate_of)
OVERRIDING SYSTEM VALUE
VALUES (%(id)s, %(server_id)s, %(filename)s, %(file_hash)s, %(size_bytes)s, %(content)s,
        %(source_hash)s, %(source_size)s, %(source_mtime)s, true, %(duplicate_of)s)
ON CONFLICT (server_id, filename) DO UPDATE
SET file_hash = excluded.file_hash, size_bytes = excluded.size_bytes, content = excluded.content,
    source_hash = excluded.source_hash, source_size = excluded.source_size, source_mtime = excluded.source_mtime,
    success = true, duplicate_of = excluded.duplicate_of, error_message = NULL, error_line = NULL,
    rejected_hash = NULL, rejected_content = NULL, rejected_reason = NULL, rejected_line = NULL,
    rejected_at = NULL, rejected_mtime = NULL, discarded_at = NULL, processed_at = now()
