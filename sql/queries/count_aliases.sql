INSERT INTO player_aliases (guid, alias, times_seen, first_seen, last_seen)
SELECT p.player_guid, p.clean_name, count(*), min(r.ended_at), max(r.ended_at)
FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
GROUP BY p.player_guid, p.clean_name
