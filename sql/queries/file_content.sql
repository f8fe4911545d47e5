SELECT server_id, filename, content, source_mtime FROM processed_files WHERE id = %(id)s
