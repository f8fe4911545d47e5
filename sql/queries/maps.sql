-- How each map went in the rounds in scope. The attack succeeded when the winner is not the defender; times to
-- finish are those of successful attacks, and none over its limit is believed.
SELECT r.map_name, count(DISTINCT (r.server_id, r.match_id)) AS times_played, count(*) AS rounds,
       count(*) FILTER (WHERE r.winner_team NOT IN (0, r.defender_team)) AS attacks_won,
       avg((r.winner_team <> r.defender_team)::integer) FILTER (WHERE r.winner_team > 0)::double precision
           AS attack_share,
       avg(r.actual_time_seconds) FILTER (WHERE f.is_finished)::double precision AS average_attack_seconds,
       min(r.actual_time_seconds) FILTER (WHERE f.is_finished) AS best_attack_seconds,
       count(*) FILTER (WHERE r.round_outcome = 'fullhold') AS full_holds,
       count(*) FILTER (WHERE r.round_outcome = 'surrender') AS surrenders,
       max(r.ended_at) AS last_played
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
CROSS JOIN LATERAL (
    SELECT r.round_outcome = 'completed' AND r.actual_time_seconds <= r.time_limit_seconds AS is_finished) f
GROUP BY r.map_name
ORDER BY times_played DESC, rounds DESC, r.map_name
