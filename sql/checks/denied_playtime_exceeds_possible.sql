-- warning: A player denied more playtime than all opponents had in the player's time.
SELECT NULL::bigint AS file_id, p.round_id, p.player_guid, 'denied_playtime' AS field,
       p.denied_playtime::text AS value, 'at most ' || coalesce(o.number, 0) * p.time_played_seconds AS expected
FROM player_comprehensive_stats p
LEFT JOIN (
    SELECT round_id, team, count(*) AS number FROM player_comprehensive_stats GROUP BY round_id, team
) o ON o.round_id = p.round_id AND o.team = 3 - p.team
WHERE p.team < 3 AND p.denied_playtime > coalesce(o.number, 0) * p.time_played_seconds
