UPDATE processed_files
SET content = %(content)s, file_hash = %(file_hash)s, size_bytes = %(size_bytes)s,
    rejected_content = %(rejected_content)s
WHERE id = %(id)s
