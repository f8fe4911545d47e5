-- What a check found, with the names that people know it by; stands behind "WITH found AS (the check)".
SELECT s.name AS server, f.filename, r.id AS round_id, found.player_guid, p.player_name, found.field, found.value,
       found.expected
FROM found
LEFT JOIN rounds r ON r.id = found.round_id
LEFT JOIN processed_files f ON f.id = coalesce(found.file_id, r.file_id)
LEFT JOIN servers s ON s.id = f.server_id
LEFT JOIN player_comprehensive_stats p ON p.round_id = r.id AND p.player_guid = found.player_guid
WHERE %(since)s::timestamptz IS NULL OR r.ended_at >= %(since)s OR (r.id IS NULL AND f.processed_at >= %(since)s)
ORDER BY r.ended_at, f.filename COLLATE "C", p.player_guid, found.field
