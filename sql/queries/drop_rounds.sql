DELETE FROM rounds WHERE file_id = ANY(%(file_ids)s)
