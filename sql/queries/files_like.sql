-- What the archive knows of a file: the row of its name, and the rows that hold the same bytes.
SELECT id, filename, source_hash, source_size, source_mtime, success, discarded_at IS NOT NULL AS discarded,
       duplicate_of, rejected_hash
FROM processed_files
WHERE server_id = %(server_id)s AND (filename = %(filename)s OR source_hash = %(source_hash)s)
