-- All files with these bytes but the one that counts point to it.
UPDATE processed_files SET duplicate_of = %(original)s
WHERE server_id = %(server_id)s AND source_hash = %(source_hash)s AND success AND id <> %(original)s
