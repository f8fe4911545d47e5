-- warning: A player played longer than the round lasted; time played is recorded in tenths of a minute.
SELECT NULL::bigint AS file_id, p.round_id, p.player_guid, 'time_played_seconds' AS field,
       p.time_played_seconds::text AS value, 'at most ' || r.played_seconds AS expected
FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
WHERE NOT r.is_cumulative AND p.time_played_seconds > r.played_seconds + %(tenth_of_a_minute)s
