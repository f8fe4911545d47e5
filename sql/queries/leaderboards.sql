-- Sums per player over the rounds in scope.

-- name: scope_size
SELECT count(*) AS rounds, count(*) FILTER (WHERE is_before) AS rounds_before, max(ended_at) AS newest
FROM (SELECT r.ended_at, r.ended_at <= max(r.ended_at) OVER () - interval '7 days' AS is_before
      FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r) s

-- name: weapon_scope_size
-- The rounds in scope in which a player used a weapon; the week before is that of the whole scope.
SELECT count(*) AS rounds, count(*) FILTER (WHERE is_before) AS rounds_before, max(ended_at) AS newest
FROM (SELECT r.id, r.ended_at, r.ended_at <= max(r.ended_at) OVER () - interval '7 days' AS is_before
      FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r) s
WHERE s.id IN (SELECT w.round_id FROM weapon_comprehensive_stats w WHERE w.weapon_name = %(weapon)s)

-- name: player_sums
-- The sums of each player over the rounds in scope, in two parts: until a week before the newest round, and since.
-- Implausible values are excluded: dead longer than played, more time denied than all opponents had.
-- Per-round values are compared with cumulative ones only in rounds that stand alone.
WITH scope AS MATERIALIZED (
    SELECT r.id, r.ended_at, r.is_cumulative,
           r.ended_at <= max(r.ended_at) OVER () - interval '7 days' AS is_before
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
), sums AS (
    SELECT p.player_guid, s.is_before, count(*) AS rounds, max(s.ended_at) AS last_seen,
           sum(p.kills) AS kills, sum(p.deaths) AS deaths,
           sum(p.hits) AS hits, sum(p.shots) AS shots, sum(p.headshots) AS headshots,
           sum(p.headshot_kills) FILTER (WHERE NOT s.is_cumulative) AS headshot_kills,
           sum(p.kills) FILTER (WHERE NOT s.is_cumulative) AS kills_of_single_rounds,
           sum(p.damage_given) AS damage_given, sum(p.damage_received) AS damage_received,
           sum(p.team_damage_given) AS team_damage_given,
           sum(p.time_played_seconds) AS time_played_seconds,
           sum(p.time_played_seconds) FILTER (WHERE dead.is_true) AS clocked_seconds,
           sum(p.time_played_seconds - dead.seconds) FILTER (WHERE dead.is_true) AS alive_seconds,
           sum(p.damage_given) FILTER (WHERE dead.is_true) AS clocked_damage,
           sum(p.gibs) AS gibs, sum(p.self_kills) AS self_kills, sum(p.team_kills) AS team_kills,
           sum(p.xp) AS xp, sum(p.kill_assists) AS kill_assists,
           coalesce(sum(p.objectives_stolen), 0) + coalesce(sum(p.objectives_returned), 0)
               + coalesce(sum(p.dynamites_planted), 0) + coalesce(sum(p.dynamites_defused), 0) AS objectives,
           coalesce(sum(p.double_kills), 0) + coalesce(sum(p.triple_kills), 0) + coalesce(sum(p.quad_kills), 0)
               + coalesce(sum(p.multi_kills), 0) + coalesce(sum(p.mega_kills), 0) AS multikills,
           sum(p.revives_given) AS revives_given, sum(p.times_revived) AS times_revived,
           sum(p.most_useful_kills) FILTER (WHERE p.useless_kills IS NOT NULL) AS useful_kills,
           sum(p.useless_kills) AS useless_kills,
           sum(p.denied_playtime) FILTER (
               WHERE coalesce(p.denied_playtime, 0) <= p.time_played_seconds
                  OR p.denied_playtime <= p.time_played_seconds * (
                     SELECT count(*) FROM player_comprehensive_stats o
                     WHERE o.round_id = p.round_id AND o.team = 3 - p.team)) AS denied_playtime,
           max(p.killing_spree_best) FILTER (WHERE NOT s.is_cumulative) AS killing_spree_best
    FROM scope s
    JOIN player_comprehensive_stats p ON p.round_id = s.id
    -- From the ratio, a float capped at 100: arithmetic on numeric would take a third of the time.
    CROSS JOIN LATERAL (
        SELECT round(p.time_dead_ratio * p.time_played_seconds / 100)::integer AS seconds,
               NOT s.is_cumulative AND p.time_played_seconds > 0
               AND (p.time_dead_ratio < 100 OR p.time_dead_minutes * 60 <= p.time_played_seconds) AS is_true) dead
    GROUP BY p.player_guid, s.is_before
), odd AS (
    SELECT w.player_guid, s.is_before, sum(w.headshots) AS headshots
    FROM weapon_comprehensive_stats w JOIN scope s ON s.id = w.round_id
    WHERE w.headshots > 0 AND NOT is_bullet_weapon(w.weapon_name)
    GROUP BY w.player_guid, s.is_before
)
SELECT sums.*, sums.headshots - coalesce(odd.headshots, 0) AS bullet_headshots,
       names.player_name, names.clean_name
FROM sums
LEFT JOIN odd USING (player_guid, is_before)
CROSS JOIN LATERAL names_of(sums.player_guid) names
WHERE sums.player_guid = ANY (%(shown)s)
   OR NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = sums.player_guid)

-- name: weapon_sums
-- The sums of each player with one weapon over the rounds in scope, in the two parts of player_sums.
WITH scope AS MATERIALIZED (
    SELECT r.id, r.ended_at, r.ended_at <= max(r.ended_at) OVER () - interval '7 days' AS is_before
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
), sums AS (
    SELECT w.player_guid, s.is_before, count(*) AS rounds, max(s.ended_at) AS last_seen,
           sum(w.kills) AS kills, sum(w.deaths) AS deaths, sum(w.hits) AS hits, sum(w.shots) AS shots,
           sum(w.headshots) AS headshots, sum(w.headshots) AS bullet_headshots
    FROM scope s JOIN weapon_comprehensive_stats w ON w.round_id = s.id
    WHERE w.weapon_name = %(weapon)s
    GROUP BY w.player_guid, s.is_before
)
SELECT sums.*, names.player_name, names.clean_name
FROM sums
CROSS JOIN LATERAL names_of(sums.player_guid) names
WHERE NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = sums.player_guid)
