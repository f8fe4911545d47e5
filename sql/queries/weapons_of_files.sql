SELECT w.round_id, w.player_guid, w.weapon_name, w.hits, w.shots, w.kills, w.deaths, w.headshots
FROM rounds r JOIN weapon_comprehensive_stats w ON w.round_id = r.id
WHERE r.file_id = ANY(%(file_ids)s)
ORDER BY w.round_id, w.player_guid, w.weapon_name COLLATE "C"
