-- Scoreboards of groups of rounds, and the data of ratings and achievements.

-- name: scoreboards
-- The statistics of all players over groups of rounds: `groups` gives the scoreboard of each of `round_ids`.
-- Ratios are computed from sums. Time dead never exceeds time played; a denied playtime longer than the opponents'
-- total time is excluded: neither may lead a board. `place` is the position of a round in time.
WITH chosen AS MATERIALIZED (
    SELECT g.group_id, r.id AS round_id, r.is_cumulative, row_number() OVER (ORDER BY r.ended_at, r.id) AS place
    FROM unnest(%(round_ids)s::bigint[], %(groups)s::bigint[]) AS g (round_id, group_id)
    JOIN rounds r ON r.id = g.round_id
), lines AS (
    SELECT c.group_id, c.place, c.is_cumulative, p.*,
           CASE WHEN p.denied_playtime <= p.time_played_seconds
                  OR p.denied_playtime <= p.time_played_seconds * (
                     SELECT count(*) FROM player_comprehensive_stats o
                     WHERE o.round_id = p.round_id AND o.team = 3 - p.team)
                THEN p.denied_playtime END AS denied
    FROM chosen c JOIN person_stats p ON p.round_id = c.round_id
), sums AS (
    -- The last round gives name and side; looked up after the sums, because sorting every row costs more.
    SELECT group_id, (max(ARRAY[place, round_id]))[2] AS last_round, player_guid,
           count(*)::integer AS rounds,
           {player_sums},
           sum(round(time_dead_ratio * time_played_seconds / 100))::integer AS time_dead_seconds,
           sum(time_played_seconds) FILTER (WHERE time_dead_ratio IS NOT NULL) AS clocked_seconds,
           sum(denied)::integer AS denied_playtime, sum(xp)::integer AS xp,
           -- A best over both rounds is not a best of one round.
           max(killing_spree_best) FILTER (WHERE NOT is_cumulative)::integer AS killing_spree_best,
           max(death_spree_worst) FILTER (WHERE NOT is_cumulative)::integer AS death_spree_worst
    FROM lines
    GROUP BY group_id, player_guid
)
SELECT s.*, last.*, h.player_guid IS NOT NULL AS is_hidden,
       CASE WHEN deaths = 0 THEN kills ELSE kills::double precision / deaths END AS kd_ratio,
       CASE WHEN time_played_seconds = 0 THEN 0 ELSE 60.0 * damage_given / time_played_seconds
       END::double precision AS dpm,
       CASE WHEN kills + deaths = 0 THEN 0 ELSE 100.0 * kills / (kills + deaths) END::double precision AS efficiency,
       (100.0 * hits / nullif(shots, 0))::double precision AS accuracy,
       (100.0 * least(headshots, hits) / nullif(hits, 0))::double precision AS hs_percent,
       CASE WHEN clocked_seconds = 0 THEN 0 ELSE 100.0 * time_dead_seconds / clocked_seconds
       END::double precision AS time_dead_ratio
FROM sums s
CROSS JOIN LATERAL (
    SELECT p.player_name, p.clean_name, p.team::integer AS team FROM person_stats p
    WHERE p.round_id = s.last_round AND p.player_guid = s.player_guid) last
LEFT JOIN hidden_persons h USING (player_guid)
ORDER BY s.group_id, s.damage_given DESC, s.player_guid

-- name: performances
-- The statistics of each player in each round that ratings need; an unknown value counts as 0.
SELECT p.round_id, p.player_guid, p.team, p.kills, p.deaths, p.damage_given,
       coalesce(p.team_damage_given, 0) AS team_damage_given, coalesce(p.kill_assists, 0) AS kill_assists,
       coalesce(p.revives_given, 0) AS revives_given,
       coalesce(p.objectives_stolen, 0) + coalesce(p.objectives_returned, 0) + coalesce(p.dynamites_planted, 0)
           + coalesce(p.dynamites_defused, 0) + coalesce(p.constructions, 0) AS objectives,
       p.time_played_seconds, p.dpm
FROM person_stats p
WHERE p.round_id = ANY (%(round_ids)s)
ORDER BY p.round_id, p.player_guid

-- name: careers
-- What each player achieved before a time, or in some rounds: sums for achievements, bests of single rounds for
-- records. Hidden players are left out unless `with_hidden`. A cumulative round 2 adds to the sums and sets no best.
WITH parts AS (
    SELECT p.player_guid, {career_sums},
           sum(p.time_played_seconds)::bigint AS time_played_seconds, {best_sums}
    FROM {rounds} s JOIN person_stats p ON p.round_id = s.id
    WHERE (s.bots = 0 OR s.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
      AND (%(round_ids)s::bigint[] IS NULL OR s.id = ANY (%(round_ids)s))
      AND (%(guids)s::text[] IS NULL
           OR p.recorded_guid = ANY (guids_of(%(guids)s)) AND p.player_guid = ANY (%(guids)s))
    GROUP BY p.player_guid
    UNION ALL
    SELECT player_guid, {career_sealed}, time_played_seconds, {best_sealed}
    FROM sealed_players
    WHERE sealed_id = ANY (%(sealed_ids)s)
      AND (flags & 1 = 0 OR sealed_id = ANY (ARRAY(SELECT d.id FROM sealed d JOIN servers v ON v.id = d.server_id
                                                    WHERE v.bot_records)))
      AND (%(guids)s::text[] IS NULL OR player_guid = ANY (%(guids)s))
)
SELECT player_guid, {career_totals}, sum(time_played_seconds)::bigint AS time_played_seconds, {career_bests}
FROM parts p
WHERE %(with_hidden)s OR NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = p.player_guid)
GROUP BY player_guid

-- name: achievements_reached
-- The session at whose end each player's running sums passed a threshold, by threshold and time. Without `everybody`:
-- who was first and last at each threshold, and the number of players; hidden players are left out. `places` and
-- `thresholds` are the steps of the achievements, `places` being positions in `gained`. Reads sealed careers, and the
-- rounds since `since`, where these end.
WITH by_session AS (
    SELECT p.player_guid, r.gaming_session_id, max(r.ended_at) AS ended_at,
           {career_sums}
    FROM rounds r JOIN person_stats p ON p.round_id = r.id
    WHERE r.is_counted AND (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
      AND (%(since)s::timestamptz IS NULL OR r.ended_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR r.ended_at < %(until)s)
      AND (%(guid)s::text IS NULL OR p.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND p.player_guid = %(guid)s)
    GROUP BY p.player_guid, r.gaming_session_id
), runs AS (
    SELECT player_guid, ended_at,
           ARRAY[{career_names}]::bigint[] AS gained,
           ARRAY[{career_running_sums}]::bigint[] AS total
    FROM by_session
    WINDOW w AS (PARTITION BY player_guid ORDER BY ended_at, gaming_session_id)
), steps AS MATERIALIZED (
    SELECT * FROM unnest(%(keys)s::text[], %(places)s::bigint[], %(thresholds)s::bigint[]) AS s (key, place, threshold)
), reached AS (
    SELECT r.player_guid, s.key, s.place, s.threshold, r.ended_at AS reached_on
    FROM runs r
    LEFT JOIN sealed_careers c ON c.sealed_id = %(sealed_id)s AND c.player_guid = r.player_guid
    CROSS JOIN LATERAL unnest(r.gained, r.total, c.totals) WITH ORDINALITY AS u (gained, total, earlier, place)
    CROSS JOIN LATERAL (SELECT u.total + coalesce(u.earlier, 0) AS now) t
    JOIN steps s ON s.place = u.place AND s.threshold <= t.now AND s.threshold > t.now - u.gained
    WHERE u.gained > 0
    UNION ALL
    SELECT d.player_guid, s.key, s.place, s.threshold, d.reached_on
    FROM sealed_steps d JOIN steps s USING (key, threshold)
    WHERE d.sealed_id = %(sealed_id)s AND (%(guid)s IS NULL OR d.player_guid = %(guid)s)
), shown AS MATERIALIZED (
    SELECT * FROM reached r
    WHERE %(everybody)s OR NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = r.player_guid)
), ends AS (
    SELECT place, threshold, count(*) AS players, min(reached_on) AS first_on, max(reached_on) AS last_on
    FROM shown
    GROUP BY place, threshold
)
SELECT s.player_guid, s.key, s.threshold, s.reached_on, e.players
FROM shown s JOIN ends e USING (place, threshold)
WHERE %(everybody)s OR s.reached_on IN (e.first_on, e.last_on)
ORDER BY s.place, s.threshold, s.reached_on, s.player_guid
