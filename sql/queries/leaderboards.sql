-- Sums per player over the rounds in scope. Each reads the sealed periods of the scope and the rounds of the rest.

-- name: newest_in_scope
SELECT max(r.ended_at)
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r

-- name: scope_size
SELECT coalesce(sum(rounds), 0)::bigint AS rounds, coalesce(sum(rounds) FILTER (WHERE is_before), 0)::bigint AS rounds_before
FROM (SELECT 1 AS rounds, r.ended_at <= %(before)s AS is_before FROM {rounds} r
      UNION ALL
      SELECT m.rounds, true FROM sealed_maps m
      WHERE m.sealed_id = ANY (%(sealed_ids)s)
        AND (%(map_name)s::text IS NULL OR m.map_name = %(map_name)s)) s

-- name: weapon_scope_size
-- The rounds in scope in which a player used a weapon.
SELECT coalesce(sum(rounds), 0)::bigint AS rounds, coalesce(sum(rounds) FILTER (WHERE is_before), 0)::bigint AS rounds_before
FROM (SELECT 1 AS rounds, r.ended_at <= %(before)s AS is_before FROM {rounds} r
      WHERE {weapon_used}
      UNION ALL
      SELECT w.rounds, true FROM sealed_weapons w
      WHERE w.sealed_id = ANY (%(sealed_ids)s) AND w.weapon_name = %(weapon)s AND w.player_guid = '') s

-- name: player_sums
-- The sums of each player over the rounds in scope, in two parts: until a week before the newest round, and since.
-- Implausible values are excluded: dead longer than played, more time denied than all opponents had.
-- `known`: only rows in which this value is known, for a ratio of it. `with_names`: false gives GUIDs as names.
-- `guids`: only of these persons.
-- Per-round values are compared with cumulative ones only in rounds that stand alone.
WITH scope AS MATERIALIZED (
    SELECT r.id, r.ended_at, r.is_cumulative, r.winner_team, r.ended_at <= %(before)s AS is_before
    FROM {rounds} r
), parts AS (
    SELECT p.player_guid, s.is_before, {board_sums}
    FROM {player_lines}
    WHERE CASE %(known)s {known_cases} ELSE true END
      AND (%(guids)s::text[] IS NULL
           OR p.recorded_guid = ANY (guids_of(%(guids)s)) AND p.player_guid = ANY (%(guids)s))
    GROUP BY p.player_guid, s.is_before
    UNION ALL
    SELECT player_guid, true, {board_names}
    FROM (SELECT sealed_id, player_guid, flags, {board_names} FROM sealed_players WHERE %(map_name)s::text IS NULL
          UNION ALL
          SELECT sealed_id, player_guid, flags, {board_names} FROM sealed_player_maps WHERE map_name = %(map_name)s) s
    WHERE sealed_id = ANY (%(sealed_ids)s) AND flags & %(unknown)s = 0
      AND (%(guids)s::text[] IS NULL OR player_guid = ANY (%(guids)s))
), sums AS (
    SELECT player_guid, is_before, {board_totals} FROM parts GROUP BY player_guid, is_before
)
SELECT sums.*, coalesce(names.player_name, sums.player_guid) AS player_name,
       coalesce(names.clean_name, sums.player_guid) AS clean_name
FROM sums
LEFT JOIN LATERAL names_of(sums.player_guid) names ON %(with_names)s
WHERE sums.player_guid = ANY (%(shown)s)
   OR NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = sums.player_guid)

-- name: weapon_sums
-- The sums of each player with one weapon over the rounds in scope, in the two parts of player_sums.
WITH scope AS MATERIALIZED (
    SELECT r.id, r.ended_at, r.ended_at <= %(before)s AS is_before FROM {rounds} r
), parts AS (
    SELECT w.player_guid, s.is_before, count(*) AS rounds, max(s.ended_at) AS last_seen,
           sum(w.kills) AS kills, sum(w.deaths) AS deaths, sum(w.hits) AS hits, sum(w.shots) AS shots,
           sum(w.headshots) AS headshots
    FROM scope s JOIN person_weapon_stats w ON w.round_id = s.id
    WHERE {weapon_name} = %(weapon)s
    GROUP BY w.player_guid, s.is_before
    UNION ALL
    SELECT player_guid, true, rounds, last_seen, kills, deaths, hits, shots, headshots FROM sealed_weapons
    WHERE sealed_id = ANY (%(sealed_ids)s) AND weapon_name = %(weapon)s AND player_guid <> ''
), sums AS (
    SELECT player_guid, is_before, sum(rounds)::bigint AS rounds, max(last_seen) AS last_seen,
           sum(kills)::bigint AS kills, sum(deaths)::bigint AS deaths, sum(hits)::bigint AS hits,
           sum(shots)::bigint AS shots, sum(headshots)::bigint AS headshots, sum(headshots)::bigint AS bullet_headshots
    FROM parts
    GROUP BY player_guid, is_before
)
SELECT sums.*, coalesce(names.player_name, sums.player_guid) AS player_name,
       coalesce(names.clean_name, sums.player_guid) AS clean_name
FROM sums
LEFT JOIN LATERAL names_of(sums.player_guid) names ON %(with_names)s
WHERE NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = sums.player_guid)
