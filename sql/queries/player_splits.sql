-- One player's sums in scope, by map and by attack or defence.
SELECT r.map_name, CASE WHEN p.team IN (1, 2) THEN p.team <> r.defender_team END AS is_attack,
       count(*) AS rounds,
       count(*) FILTER (WHERE r.winner_team > 0 AND p.team IN (1, 2)) AS decided,
       count(*) FILTER (WHERE r.winner_team = p.team) AS won,
       sum(p.kills) AS kills, sum(p.deaths) AS deaths, sum(p.damage_given) AS damage_given,
       sum(p.time_played_seconds) AS time_played_seconds
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN player_comprehensive_stats p ON p.round_id = r.id
WHERE p.player_guid = %(guid)s
GROUP BY 1, 2
