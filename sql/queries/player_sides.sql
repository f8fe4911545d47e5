-- One player's sums in scope in attack and in defence.
SELECT p.team <> r.defender_team AS is_attack, count(*) AS rounds,
       count(*) FILTER (WHERE r.winner_team = p.team) AS won,
       count(*) FILTER (WHERE r.winner_team = 3 - p.team) AS lost,
       avg((r.winner_team = p.team)::integer) FILTER (WHERE r.winner_team IN (p.team, 3 - p.team))::double precision
           AS win_share,
       sum(p.kills) AS kills, sum(p.deaths) AS deaths,
       coalesce(sum(p.kills)::double precision / nullif(sum(p.deaths), 0), sum(p.kills)) AS kd_ratio,
       60 * sum(p.damage_given)::double precision / nullif(sum(p.time_played_seconds), 0) AS dpm
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN player_comprehensive_stats p ON p.round_id = r.id
-- Two rounds together were played on both sides.
WHERE p.player_guid = %(guid)s AND p.team IN (1, 2) AND NOT r.is_cumulative
GROUP BY 1
ORDER BY 1 DESC
