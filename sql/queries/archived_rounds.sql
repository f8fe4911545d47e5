-- Rounds with the archived files they were derived from and what the base holds of them, in steps.
SELECT r.id AS round_id, s.name AS server, f.filename, f.content, one.filename AS round1_filename,
       one.content AS round1_content, r.is_cumulative, p.players, p.kills, p.deaths, w.weapons
FROM rounds r
JOIN processed_files f ON f.id = r.file_id
JOIN servers s ON s.id = r.server_id
LEFT JOIN rounds r1 ON r1.id = r.round1_id
LEFT JOIN processed_files one ON one.id = r1.file_id
CROSS JOIN LATERAL (
    SELECT count(*) AS players, coalesce(sum(x.kills), 0) AS kills, coalesce(sum(x.deaths), 0) AS deaths
    FROM player_comprehensive_stats x WHERE x.round_id = r.id) p
CROSS JOIN LATERAL (
    SELECT count(*) AS weapons FROM weapon_comprehensive_stats x WHERE x.round_id = r.id) w
WHERE r.id > %(after)s AND (%(since)s::timestamptz IS NULL OR r.ended_at >= %(since)s)
ORDER BY r.id
LIMIT %(limit)s
