SELECT id, filename, source_hash, source_size, source_mtime, success, discarded_at IS NOT NULL AS discarded,
       duplicate_of, rejected_hash
FROM processed_files
WHERE duplicate_of = %(id)s AND success
