-- One player: names, rounds, maps, sides, weapons and teammates.

-- name: aliases
SELECT guid, alias, times_seen, first_seen, last_seen
FROM player_aliases
WHERE %(guid)s::text IS NULL OR guid = %(guid)s
ORDER BY last_seen DESC, times_seen DESC, guid, alias

-- name: last_names
-- The name under which each of these players was last seen.
SELECT DISTINCT ON (guid) guid, alias FROM player_aliases
WHERE guid = ANY (%(guids)s)
ORDER BY guid, last_seen DESC, times_seen DESC, alias

-- name: count_aliases
INSERT INTO player_aliases (guid, alias, times_seen, first_seen, last_seen)
SELECT p.player_guid, p.clean_name, count(*), min(r.ended_at), max(r.ended_at)
FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
GROUP BY p.player_guid, p.clean_name

-- name: drop_aliases
DELETE FROM player_aliases

-- name: disable_alias_triggers
-- A rebuild counts the aliases once at the end instead of at each step.
ALTER TABLE player_comprehensive_stats DISABLE TRIGGER aliases_seen, DISABLE TRIGGER aliases_unseen

-- name: enable_alias_triggers
ALTER TABLE player_comprehensive_stats ENABLE TRIGGER aliases_seen, ENABLE TRIGGER aliases_unseen

-- name: player_rounds
-- The player's last rounds in scope, newest first. Cumulative rounds are excluded.
SELECT r.id AS round_id, r.ended_at, r.map_name, r.round_number, p.team <> r.defender_team AS is_attack,
       CASE WHEN r.winner_team > 0 THEN r.winner_team = p.team END AS is_won,
       p.kills, p.deaths, p.damage_given, p.dpm, p.time_played_seconds
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN player_comprehensive_stats p ON p.round_id = r.id
WHERE p.player_guid = %(guid)s AND NOT r.is_cumulative AND p.team IN (1, 2) AND p.time_played_seconds > 0
ORDER BY r.ended_at DESC, r.id DESC
LIMIT %(limit)s

-- name: player_maps
-- The player's sums in scope by map, best DPM first; maps with few rounds come last.
SELECT r.map_name, count(*) AS rounds,
       count(*) FILTER (WHERE r.winner_team = p.team) AS won,
       count(*) FILTER (WHERE r.winner_team = 3 - p.team) AS lost,
       avg((r.winner_team = p.team)::integer) FILTER (WHERE r.winner_team IN (p.team, 3 - p.team))::double precision
           AS win_share,
       sum(p.kills) AS kills, sum(p.deaths) AS deaths,
       coalesce(sum(p.kills)::double precision / nullif(sum(p.deaths), 0), sum(p.kills)) AS kd_ratio,
       60 * sum(p.damage_given)::double precision / nullif(sum(p.time_played_seconds), 0) AS dpm
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN player_comprehensive_stats p ON p.round_id = r.id
WHERE p.player_guid = %(guid)s
GROUP BY r.map_name
ORDER BY count(*) < 4, dpm DESC NULLS LAST, r.map_name

-- name: player_sides
-- The player's sums in scope in attack and in defence.
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
-- A cumulative round was played on both sides.
WHERE p.player_guid = %(guid)s AND p.team IN (1, 2) AND NOT r.is_cumulative
GROUP BY 1
ORDER BY 1 DESC

-- name: player_weapons
-- The player's sums in scope by weapon; accuracy only of bullet weapons.
SELECT w.weapon_name, count(*) AS rounds, sum(w.kills) AS kills, sum(w.deaths) AS deaths,
       sum(w.hits) AS hits, sum(w.shots) AS shots, sum(w.headshots) AS headshots,
       CASE WHEN is_bullet_weapon(w.weapon_name)
            THEN 100 * sum(w.hits)::double precision / nullif(sum(w.shots), 0) END AS accuracy,
       CASE WHEN is_bullet_weapon(w.weapon_name)
            THEN 100 * sum(w.headshots)::double precision / nullif(sum(w.hits), 0) END AS headshot_share
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN weapon_comprehensive_stats w ON w.round_id = r.id
WHERE w.player_guid = %(guid)s
GROUP BY w.weapon_name
ORDER BY sum(w.kills) DESC, w.weapon_name

-- name: player_teammates
-- The players on the same and on the other side, in how many rounds, and how many of them the player won.
WITH own AS MATERIALIZED (
    SELECT r.id, p.team, r.winner_team
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
    JOIN player_comprehensive_stats p ON p.round_id = r.id
    WHERE p.player_guid = %(guid)s AND p.team IN (1, 2)
), met AS (
    SELECT o.player_guid,
           count(*) FILTER (WHERE o.team = own.team) AS rounds_with,
           count(*) FILTER (WHERE o.team = own.team AND own.winner_team = own.team) AS won_with,
           count(*) FILTER (WHERE o.team = own.team AND own.winner_team = 3 - own.team) AS lost_with,
           count(*) FILTER (WHERE o.team <> own.team) AS rounds_against,
           count(*) FILTER (WHERE o.team <> own.team AND own.winner_team = own.team) AS won_against,
           count(*) FILTER (WHERE o.team <> own.team AND own.winner_team = 3 - own.team) AS lost_against
    FROM own JOIN player_comprehensive_stats o ON o.round_id = own.id
    WHERE o.player_guid <> %(guid)s AND o.team IN (1, 2)
      AND (%(other)s::text IS NULL OR o.player_guid = %(other)s)
    GROUP BY o.player_guid
)
SELECT met.*,
       won_with::double precision / nullif(won_with + lost_with, 0) AS win_share_with,
       won_against::double precision / nullif(won_against + lost_against, 0) AS win_share_against,
       names.player_name, names.clean_name
FROM met CROSS JOIN LATERAL names_of(met.player_guid) names
-- Applied last, where few rows are left: the planner has no statistics of a mostly empty table.
WHERE met.player_guid = %(other)s
   OR NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = met.player_guid)
