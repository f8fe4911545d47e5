-- Rounds with their players and weapons, as an import reads and writes them.

-- name: replace_impossible_times
UPDATE rounds r
SET ended_at = to_timestamp(left(f.filename, 17), 'YYYY-MM-DD-HH24MISS'),
    round_date = left(f.filename, 10)::date
FROM processed_files f
WHERE f.id = r.file_id
  AND NOT (r.ended_at BETWEEN '1969-12-30 00:00Z' AND '9001-01-02 00:00Z' AND isfinite(r.round_date))

-- name: reserve_ids
-- Reserve ids for a batch; ids that stay unused are skipped for good.
SELECT nextval(pg_get_serial_sequence(%(table)s, 'id')) FROM generate_series(1, %(count)s)

-- name: rounds_around
-- The rounds of every session that has a round within reach of one of the times; known sessions are left out.
SELECT r.file_id, r.id AS round_id, f.filename, r.round_date + r.round_time AS stamp, r.ended_at, r.map_name,
       r.round_number, r.time_limit_seconds, r.actual_time_seconds, r.match_id, r.round1_id, r.gaming_session_id,
       r.defender_team, r.winner_team, r.is_counted, r.is_repeat, r.series_id, r.axis_team
FROM rounds r JOIN processed_files f ON f.id = r.file_id
WHERE r.gaming_session_id IN (
    SELECT near.gaming_session_id
    FROM unnest(%(moments)s::timestamptz[]) AS m (moment)
    -- OFFSET keeps it an index lookup for each time, also before the first ANALYZE.
    CROSS JOIN LATERAL (
        SELECT r.gaming_session_id FROM rounds r
        WHERE r.server_id = %(server_id)s
          AND r.ended_at BETWEEN m.moment - %(reach)s::interval AND m.moment + %(reach)s::interval
          AND r.gaming_session_id <> ALL (%(known)s::bigint[])
        OFFSET 0) near)

-- name: rounds_of_files
SELECT r.file_id, r.id AS round_id, f.filename, r.round_date + r.round_time AS stamp, r.ended_at, r.map_name,
       r.round_number, r.time_limit_seconds, r.actual_time_seconds, r.match_id, r.round1_id, r.gaming_session_id,
       r.defender_team, r.winner_team, r.is_counted, r.is_repeat, r.series_id, r.axis_team
FROM rounds r JOIN processed_files f ON f.id = r.file_id
WHERE r.file_id = ANY(%(file_ids)s)

-- name: round_details_of_files
SELECT r.id, f.filename, r.config, r.defender_team, r.winner_team, r.played_seconds,
       r.duration_seconds, r.held, r.round_outcome, r.is_cumulative, r.bots, r.anonymous, r.is_voided,
       r.has_enough_humans, r.is_repeat
FROM rounds r JOIN processed_files f ON f.id = r.file_id
WHERE r.file_id = ANY(%(file_ids)s)

-- name: players_of_files
SELECT {player_values}
FROM player_comprehensive_stats
WHERE round_id IN (SELECT id FROM rounds WHERE file_id = ANY(%(file_ids)s))
ORDER BY round_id, player_guid COLLATE "C"

-- name: weapons_of_files
SELECT {weapon_columns}
FROM weapon_comprehensive_stats
WHERE round_id IN (SELECT id FROM rounds WHERE file_id = ANY(%(file_ids)s))
ORDER BY round_id, player_guid, weapon_name COLLATE "C"

-- name: sides_of_rounds
SELECT round_id, player_guid, team, clean_name, was_reset
FROM player_comprehensive_stats
WHERE round_id = ANY(%(round_ids)s)

-- name: store_rounds
-- Store rounds with all their rows in one statement; a round keeps its id. The stored totals are compared with the
-- expected ones: a difference raises an error and the transaction is rolled back.
WITH new_rounds AS (
    INSERT INTO rounds ({round_columns})
    OVERRIDING SYSTEM VALUE
    SELECT {round_columns} FROM json_populate_recordset(NULL::rounds, %(rounds)s)
    ON CONFLICT (file_id) DO UPDATE SET {round_updates}, stored_at = excluded.stored_at
    RETURNING id
), new_players AS (
    INSERT INTO player_comprehensive_stats ({player_columns})
    SELECT {player_columns} FROM json_populate_recordset(NULL::player_comprehensive_stats, %(players)s)
    RETURNING kills, deaths
), new_weapons AS (
    INSERT INTO weapon_comprehensive_stats ({weapon_columns})
    SELECT * FROM unnest({weapon_arrays})
    RETURNING kills, deaths
)
SELECT expect_totals(
    ARRAY[(SELECT count(*) FROM new_rounds), p.players, p.kills, p.deaths, w.weapons, w.kills, w.deaths],
    %(totals)s::bigint[])
FROM (SELECT count(*) AS players, coalesce(sum(kills), 0) AS kills, coalesce(sum(deaths), 0) AS deaths
      FROM new_players) p,
     (SELECT count(*) AS weapons, coalesce(sum(kills), 0) AS kills, coalesce(sum(deaths), 0) AS deaths
      FROM new_weapons) w

-- name: drop_players_of_rounds
DELETE FROM player_comprehensive_stats WHERE round_id = ANY(%(round_ids)s)

-- name: drop_rounds
DELETE FROM rounds WHERE file_id = ANY(%(file_ids)s)

-- name: move_rounds
-- Rounds whose statistics stay and whose match, session or series changed.
UPDATE rounds r SET match_id = n.match_id, gaming_session_id = n.session_id, series_id = n.series_id,
                    axis_team = n.axis_team
FROM unnest(%(round_ids)s::bigint[], %(match_ids)s::text[], %(session_ids)s::bigint[], %(series_ids)s::bigint[],
            %(axis_teams)s::smallint[])
     AS n (round_id, match_id, session_id, series_id, axis_team)
WHERE r.id = n.round_id
