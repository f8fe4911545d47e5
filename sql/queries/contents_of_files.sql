SELECT id, content FROM processed_files WHERE id = ANY(%(ids)s)
