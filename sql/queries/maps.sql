-- Maps and weapons over the rounds in scope.

-- name: scope_facts
SELECT coalesce(sum(rounds), 0)::bigint AS rounds, coalesce(sum(maps), 0)::bigint AS maps,
       coalesce(sum(sessions), 0)::bigint AS sessions, coalesce(sum(played_seconds), 0)::bigint AS played_seconds
FROM (SELECT count(*) AS rounds, NULL AS maps, NULL AS sessions, sum(r.duration_seconds) AS played_seconds
      FROM {rounds} r
      UNION ALL
      SELECT NULL, count(DISTINCT (r.server_id, r.match_id)), count(DISTINCT r.gaming_session_id), NULL
      FROM {session_rounds} r
      UNION ALL
      SELECT m.rounds, m.matches, NULL, m.played_seconds FROM sealed_maps m WHERE m.sealed_id = ANY (%(sealed_ids)s)
      UNION ALL
      SELECT NULL, NULL, d.sessions, NULL FROM sealed d WHERE d.id = ANY (%(sealed_ids)s)) parts

-- name: maps
-- The results on each map in scope. The attack succeeded when the winner is not the defender; times are of
-- successful attacks.
WITH parts AS (
    SELECT s.map_name, {map_sums} FROM {rounds} s GROUP BY s.map_name
    UNION ALL
    SELECT map_name, {map_names} FROM sealed_maps WHERE sealed_id = ANY (%(sealed_ids)s)
), sums AS (
    SELECT map_name, {map_totals} FROM parts GROUP BY map_name
), played AS (
    SELECT map_name, sum(matches)::bigint AS times_played
    FROM (SELECT r.map_name, count(DISTINCT (r.server_id, r.match_id)) AS matches
          FROM {session_rounds} r GROUP BY r.map_name
          UNION ALL
          SELECT map_name, matches FROM sealed_maps WHERE sealed_id = ANY (%(sealed_ids)s)) m
    GROUP BY map_name
)
SELECT map_name, times_played, rounds, attacks_won,
       (attacks_won::numeric / nullif(decided, 0))::double precision AS attack_share,
       (attack_seconds::numeric / nullif(attacks_timed, 0))::double precision AS average_attack_seconds,
       best_attack_seconds, full_holds, limit_holds, set_time_holds, surrenders, last_played
FROM sums JOIN played USING (map_name)
ORDER BY times_played DESC, rounds DESC, map_name

-- name: weapons
-- The use of each weapon in scope, and the player with the most kills.
WITH parts AS (
    SELECT w.weapon_name, w.player_guid, sum(w.kills) AS kills, sum(w.hits) AS hits, sum(w.shots) AS shots,
           sum(w.headshots) AS headshots
    FROM {rounds} r
    JOIN person_weapon_stats w ON w.round_id = r.id
    GROUP BY w.weapon_name, w.player_guid
    UNION ALL
    SELECT weapon_name, player_guid, kills, hits, shots, headshots FROM sealed_weapons
    WHERE sealed_id = ANY (%(sealed_ids)s) AND player_guid <> ''
), sums AS (
    SELECT weapon_name, player_guid, sum(kills)::bigint AS kills, sum(hits)::bigint AS hits,
           sum(shots)::bigint AS shots, sum(headshots)::bigint AS headshots
    FROM parts
    GROUP BY weapon_name, player_guid
), shown AS (
    SELECT DISTINCT ON (s.weapon_name) s.weapon_name, s.player_guid, s.kills
    FROM sums s
    WHERE s.kills > 0 AND NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = s.player_guid)
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

-- name: attacks
-- The attacks on a map in time order, with how long they took; those of unknown length or outcome are left out.
SELECT r.id AS round_id, r.server_id, r.match_id, r.round_number, r.ended_at, r.winner_team <> r.defender_team AS is_won,
       coalesce(r.duration_seconds, r.actual_time_seconds) AS seconds
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
WHERE NOT r.is_cumulative AND r.winner_team > 0 AND coalesce(r.duration_seconds, r.actual_time_seconds) > 0
ORDER BY r.ended_at, r.match_id COLLATE "C", r.server_id, r.round_number

-- name: set_times
-- The set times: round 1 was won by its attackers. `advantage` is what the ratings say of round 2's attackers, in log
-- odds, NULL when nothing; `is_beaten` NULL: no round 2 yet, or without a winner.
SELECT one.id AS round_id, one.server_id, one.match_id, one.map_name, one.ended_at, one.actual_time_seconds AS seconds,
       CASE one.defender_team WHEN 1 THEN m.advantage ELSE -m.advantage END AS advantage,
       CASE WHEN two.winner_team > 0 THEN two.winner_team <> two.defender_team END AS is_beaten
FROM rounds one
JOIN servers s ON s.id = one.server_id AND s.stopwatch
LEFT JOIN rounds two ON two.round1_id = one.id AND two.is_counted
LEFT JOIN rated_matches m ON m.server_id = one.server_id AND m.match_id = one.match_id
WHERE one.is_counted AND one.round_number = 1 AND one.actual_time_seconds > 0
  AND one.winner_team NOT IN (0, one.defender_team)
  AND (%(map_name)s::text IS NULL OR one.map_name = %(map_name)s)
  AND (%(round_id)s::bigint IS NULL OR one.id = %(round_id)s)
ORDER BY one.ended_at, one.match_id COLLATE "C", one.server_id

-- name: fastest_attacks
-- The fastest attacks in scope with the players of the attackers, hidden ones left out, most damage first.
SELECT r.id AS round_id, r.ended_at, r.round_number, s.name AS server, r.actual_time_seconds AS seconds,
       ARRAY(SELECT p.player_name FROM person_stats p
             WHERE p.round_id = r.id AND p.team = 3 - r.defender_team
               AND NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = p.player_guid)
             ORDER BY p.damage_given DESC, p.player_guid) AS player_names
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN servers s ON s.id = r.server_id
WHERE r.round_outcome = 'completed' AND NOT r.is_cumulative AND r.actual_time_seconds <= r.time_limit_seconds
ORDER BY r.actual_time_seconds, r.ended_at
LIMIT %(limit)s

-- name: attack_first
-- The results of the teams that attacked first, over the matches in scope that have a result.
SELECT count(*) AS matches, count(*) FILTER (WHERE x.result = 1) AS won, count(*) FILTER (WHERE x.result = 0.5) AS drawn,
       count(*) FILTER (WHERE x.result = 0) AS lost, avg(x.result) AS win_share
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN rated_matches m ON m.server_id = r.server_id AND m.match_id = r.match_id
CROSS JOIN LATERAL (SELECT CASE r.defender_team WHEN 2 THEN m.result ELSE 1 - m.result END AS result) x
WHERE r.round_number = 1 AND m.result IS NOT NULL

-- name: earlier_attacks
-- The attacks on a map that ended before a time.
SELECT coalesce(r.duration_seconds, r.played_seconds) AS seconds, r.round_outcome = 'completed' AS is_completed
FROM rounds r
WHERE r.is_counted AND r.map_name = %(map_name)s AND r.ended_at < %(before)s
  AND r.round_outcome IN ('completed', 'fullhold', 'surrender')
  AND coalesce(r.duration_seconds, r.played_seconds) > 0
