SELECT id FROM processed_files WHERE duplicate_of = %(id)s AND success ORDER BY filename LIMIT 1
