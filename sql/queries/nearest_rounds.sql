SELECT id FROM rounds ORDER BY abs(id - %(id)s::bigint), id LIMIT 3
