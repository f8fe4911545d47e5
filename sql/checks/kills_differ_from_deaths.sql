-- warning: Kills and deaths differ in a round: an undetected counter reset, or a missing line.
SELECT NULL::bigint AS file_id, round_id, NULL AS player_guid, 'kills' AS field, sum(kills)::text AS value,
       sum(deaths)::text AS expected
FROM player_comprehensive_stats JOIN rounds r ON r.id = round_id AND r.bots = 0 AND r.anonymous = 0
GROUP BY round_id
HAVING sum(kills) <> sum(deaths)
