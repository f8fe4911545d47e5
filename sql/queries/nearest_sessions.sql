SELECT id FROM sessions ORDER BY abs(id - %(id)s::bigint), id LIMIT 3
