-- error: A round 2 holds the counters of a round 1 that is stored without a partner: its players count twice.
SELECT NULL::bigint AS file_id, r.id AS round_id, NULL AS player_guid, 'round1_id' AS field, 'none' AS value,
       one.id::text AS expected
FROM rounds r
JOIN rounds one ON one.server_id = r.server_id AND one.map_name = r.map_name AND one.round_number = 1
    AND one.ended_at BETWEEN r.ended_at - interval '12 hours' AND r.ended_at + interval '12 hours'
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM player_comprehensive_stats p WHERE p.round_id = r.id) r_players
WHERE r.is_cumulative AND NOT EXISTS (SELECT FROM rounds two WHERE two.round1_id = one.id)
  AND (SELECT (count(*) >= 3 OR count(*) = r_players.number) AND count(*) > 0 AND bool_and(
           p.kills >= first.kills AND p.deaths >= first.deaths AND p.damage_given >= first.damage_given
           AND p.damage_received >= first.damage_received AND p.bullets_fired >= first.bullets_fired
           AND p.time_played_seconds >= first.time_played_seconds)
       FROM player_comprehensive_stats p JOIN player_comprehensive_stats first USING (player_guid)
       WHERE p.round_id = r.id AND first.round_id = one.id)
