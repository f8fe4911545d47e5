-- error: A round has no players.
SELECT NULL::bigint AS file_id, r.id AS round_id, NULL AS player_guid, 'players' AS field, '0' AS value,
       '1 or more' AS expected
FROM rounds r
WHERE r.bots = 0 AND r.anonymous = 0 AND NOT EXISTS (SELECT FROM player_comprehensive_stats p WHERE p.round_id = r.id)
