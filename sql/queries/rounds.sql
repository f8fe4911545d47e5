-- Rounds with their players and weapons, as an import reads and writes them.

-- name: reserve_ids
-- Reserve ids for a batch; ids that stay unused are skipped for good.
SELECT nextval(pg_get_serial_sequence(%(table)s, 'id')) FROM generate_series(1, %(count)s)

-- name: rounds_around
-- The rounds of every session that has a round within reach of one of the times.
SELECT file_id, id AS round_id, round_date + round_time AS stamp, ended_at, map_name, round_number,
       time_limit_seconds, actual_time_seconds, match_id, round1_id, gaming_session_id
FROM rounds
WHERE gaming_session_id IN (
    SELECT near.gaming_session_id
    FROM unnest(%(moments)s::timestamptz[]) AS m (moment)
    -- OFFSET keeps it an index lookup for each time, also before the first ANALYZE.
    CROSS JOIN LATERAL (
        SELECT r.gaming_session_id FROM rounds r
        WHERE r.server_id = %(server_id)s
          AND r.ended_at BETWEEN m.moment - %(reach)s::interval AND m.moment + %(reach)s::interval
        OFFSET 0) near)

-- name: rounds_of_files
SELECT file_id, id AS round_id, round_date + round_time AS stamp, ended_at, map_name, round_number,
       time_limit_seconds, actual_time_seconds, match_id, round1_id, gaming_session_id
FROM rounds
WHERE file_id = ANY(%(file_ids)s)

-- name: round_details_of_files
SELECT r.id, f.filename, r.config, r.defender_team, r.winner_team, r.played_seconds, r.round_outcome, r.is_cumulative
FROM rounds r JOIN processed_files f ON f.id = r.file_id
WHERE r.file_id = ANY(%(file_ids)s)

-- name: players_of_files
SELECT p.round_id, p.player_guid, p.player_name, p.clean_name, p.team, p.was_reset, p.kills, p.deaths, p.headshots,
       p.hits, p.shots, p.bullets_fired, p.damage_given, p.damage_received, p.team_damage_given,
       p.team_damage_received, p.gibs, p.self_kills, p.team_kills, p.team_gibs, p.time_played_seconds,
       p.time_played_percent::double precision, p.xp, p.killing_spree_best, p.death_spree_worst, p.kill_assists,
       p.kill_steals, p.headshot_kills, p.objectives_stolen, p.objectives_returned, p.dynamites_planted,
       p.dynamites_defused, p.times_revived, p.tank_meatshield::double precision,
       p.time_dead_minutes::double precision, p.most_useful_kills, p.denied_playtime, p.double_kills,
       p.triple_kills, p.quad_kills, p.multi_kills, p.mega_kills, p.useless_kills, p.full_selfkills,
       p.constructions, p.revives_given
FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id
WHERE r.file_id = ANY(%(file_ids)s)
ORDER BY p.round_id, p.player_guid COLLATE "C"

-- name: weapons_of_files
SELECT w.round_id, w.player_guid, w.weapon_name, w.hits, w.shots, w.kills, w.deaths, w.headshots
FROM rounds r JOIN weapon_comprehensive_stats w ON w.round_id = r.id
WHERE r.file_id = ANY(%(file_ids)s)
ORDER BY w.round_id, w.player_guid, w.weapon_name COLLATE "C"

-- name: sides_of_rounds
SELECT round_id, player_guid, team FROM player_comprehensive_stats WHERE round_id = ANY(%(round_ids)s)

-- name: store_rounds
-- Store rounds with all their rows in one statement; a round keeps its id. The stored totals are compared with the
-- expected ones: a difference raises an error and the transaction is rolled back.
WITH new_rounds AS (
    INSERT INTO rounds
        (id, server_id, file_id, match_id, round_number, round_date, round_time, ended_at, map_name, config,
         defender_team, winner_team, time_limit_seconds, actual_time_seconds, played_seconds, round_outcome,
         round1_id, is_cumulative, gaming_session_id)
    OVERRIDING SYSTEM VALUE
    SELECT id, server_id, file_id, match_id, round_number, round_date, round_time, ended_at, map_name, config,
           defender_team, winner_team, time_limit_seconds, actual_time_seconds, played_seconds, round_outcome,
           round1_id, is_cumulative, gaming_session_id
    FROM json_populate_recordset(NULL::rounds, %(rounds)s)
    ON CONFLICT (file_id) DO UPDATE
    SET match_id = excluded.match_id, round_number = excluded.round_number, round_date = excluded.round_date,
        round_time = excluded.round_time, ended_at = excluded.ended_at, map_name = excluded.map_name,
        config = excluded.config, defender_team = excluded.defender_team, winner_team = excluded.winner_team,
        time_limit_seconds = excluded.time_limit_seconds, actual_time_seconds = excluded.actual_time_seconds,
        played_seconds = excluded.played_seconds, round_outcome = excluded.round_outcome,
        round1_id = excluded.round1_id, is_cumulative = excluded.is_cumulative,
        gaming_session_id = excluded.gaming_session_id, stored_at = now()
    RETURNING id
), new_players AS (
    INSERT INTO player_comprehensive_stats
        (round_id, player_guid, player_name, clean_name, team, was_reset, kills, deaths, headshots, hits, shots,
         bullets_fired, damage_given, damage_received, team_damage_given, team_damage_received, gibs, self_kills,
         team_kills, team_gibs, time_played_seconds, time_played_percent, xp, killing_spree_best,
         death_spree_worst, kill_assists, kill_steals, headshot_kills, objectives_stolen, objectives_returned,
         dynamites_planted, dynamites_defused, times_revived, tank_meatshield, time_dead_minutes,
         most_useful_kills, denied_playtime, double_kills, triple_kills, quad_kills, multi_kills, mega_kills,
         useless_kills, full_selfkills, constructions, revives_given)
    SELECT round_id, player_guid, player_name, clean_name, team, was_reset, kills, deaths, headshots, hits, shots,
           bullets_fired, damage_given, damage_received, team_damage_given, team_damage_received, gibs, self_kills,
           team_kills, team_gibs, time_played_seconds, time_played_percent, xp, killing_spree_best,
           death_spree_worst, kill_assists, kill_steals, headshot_kills, objectives_stolen, objectives_returned,
           dynamites_planted, dynamites_defused, times_revived, tank_meatshield, time_dead_minutes,
           most_useful_kills, denied_playtime, double_kills, triple_kills, quad_kills, multi_kills, mega_kills,
           useless_kills, full_selfkills, constructions, revives_given
    FROM json_populate_recordset(NULL::player_comprehensive_stats, %(players)s)
    RETURNING kills, deaths
), new_weapons AS (
    INSERT INTO weapon_comprehensive_stats
        (round_id, player_guid, weapon_name, hits, shots, kills, deaths, headshots)
    SELECT * FROM unnest(
        %(weapon_round_id)s::bigint[], %(weapon_player_guid)s::text[], %(weapon_name)s::text[],
        %(weapon_hits)s::integer[], %(weapon_shots)s::integer[], %(weapon_kills)s::integer[],
        %(weapon_deaths)s::integer[], %(weapon_headshots)s::integer[])
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
-- Rounds whose statistics stay and whose match or session changed.
UPDATE rounds r SET match_id = n.match_id, gaming_session_id = n.session_id
FROM unnest(%(round_ids)s::bigint[], %(match_ids)s::text[], %(session_ids)s::bigint[])
     AS n (round_id, match_id, session_id)
WHERE r.id = n.round_id
