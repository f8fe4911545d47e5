-- Maps and weapons over the rounds in scope.

-- name: scope_facts
SELECT count(*) AS rounds, count(DISTINCT (r.server_id, r.match_id)) AS maps,
       count(DISTINCT r.gaming_session_id) AS sessions, coalesce(sum(r.played_seconds), 0)::bigint AS played_seconds
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r

-- name: maps
-- The results on each map in scope. The attack succeeded when the winner is not the defender; times are of
-- successful attacks, and a time above its limit is excluded.
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

-- name: weapons
-- The use of each weapon in scope, and the player with the most kills.
WITH sums AS (
    SELECT w.weapon_name, w.player_guid, sum(w.kills) AS kills, sum(w.hits) AS hits, sum(w.shots) AS shots,
           sum(w.headshots) AS headshots
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
    JOIN weapon_comprehensive_stats w ON w.round_id = r.id
    GROUP BY w.weapon_name, w.player_guid
), shown AS (
    SELECT DISTINCT ON (s.weapon_name) s.weapon_name, s.player_guid, s.kills
    FROM sums s
    WHERE s.kills > 0 AND NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = s.player_guid)
    ORDER BY s.weapon_name, s.kills DESC, s.player_guid
), totals AS (
    SELECT weapon_name, count(*) AS players, sum(kills) AS kills, sum(hits) AS hits, sum(shots) AS shots,
           sum(headshots) AS headshots
    FROM sums
    GROUP BY weapon_name
)
SELECT t.weapon_name, t.players, t.kills::bigint AS kills,
       (t.kills / nullif(sum(t.kills) OVER (), 0))::double precision AS kill_share,
       t.hits::bigint AS hits, t.shots::bigint AS shots, t.headshots::bigint AS headshots,
       CASE WHEN is_bullet_weapon(t.weapon_name) THEN 100 * (t.hits / nullif(t.shots, 0))::double precision END
           AS accuracy,
       CASE WHEN is_bullet_weapon(t.weapon_name) THEN 100 * (t.headshots / nullif(t.hits, 0))::double precision END
           AS headshot_share,
       shown.player_guid, names.player_name, shown.kills::bigint AS player_kills
FROM totals t
LEFT JOIN shown USING (weapon_name)
LEFT JOIN LATERAL names_of(shown.player_guid) names ON true
ORDER BY t.kills DESC, t.weapon_name
