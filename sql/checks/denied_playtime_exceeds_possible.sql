-- warning: A player denied the opponents more time than they all had while the player was there.
SELECT NULL::bigint AS file_id, p.round_id, p.player_guid, 'denied_playtime' AS field,
       p.denied_playtime::text AS value, 'at most ' || o.number * p.time_played_seconds AS expected
FROM player_comprehensive_stats p
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM player_comprehensive_stats o
    WHERE o.round_id = p.round_id AND o.team = 3 - p.team) o
WHERE p.team < 3 AND p.denied_playtime > o.number * p.time_played_seconds
