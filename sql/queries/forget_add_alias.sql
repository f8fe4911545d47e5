-- As the trigger of new rows would have counted it.
INSERT INTO player_aliases (guid, alias, times_seen, first_seen, last_seen)
SELECT p.player_guid, p.clean_name, count(*), min(r.ended_at), max(r.ended_at)
FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
WHERE p.player_guid = %(pseudonym_guid)s
GROUP BY p.player_guid, p.clean_name
