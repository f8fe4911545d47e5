-- warning: A round's kills are not its deaths: a player's counters were reset unseen, or the server lost a line.
SELECT NULL::bigint AS file_id, round_id, NULL AS player_guid, 'kills' AS field, sum(kills)::text AS value,
       sum(deaths)::text AS expected
FROM player_comprehensive_stats
GROUP BY round_id
HAVING sum(kills) <> sum(deaths)
