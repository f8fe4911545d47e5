-- What the archive knows of these files: the rows of their names, and the rows that hold the same bytes.
SELECT id, filename, source_hash, source_size, source_mtime, success, discarded_at IS NOT NULL AS discarded,
       duplicate_of, rejected_hash
FROM processed_files
WHERE server_id = %(server_id)s AND (filename = ANY(%(filenames)s) OR source_hash = ANY(%(hashes)s))
