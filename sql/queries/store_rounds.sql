-- Rounds with all their rows in one statement; a round keeps its id for good. What was really written is
-- counted and compared with what was to be written: a difference is an error, and the transaction is lost.
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
