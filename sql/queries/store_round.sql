-- One round; under its file it keeps its id for good. Its players follow by COPY.
INSERT INTO rounds
    (server_id, file_id, match_id, round_number, round_date, round_time, ended_at, map_name, config, defender_team,
     winner_team, time_limit_seconds, actual_time_seconds, played_seconds, round_outcome, round1_id, is_cumulative,
     gaming_session_id)
VALUES (%(server_id)s, %(file_id)s, %(match_id)s, %(round_number)s, %(round_date)s, %(round_time)s, %(ended_at)s,
        %(map_name)s, %(config)s, %(defender_team)s, %(winner_team)s, %(time_limit_seconds)s,
        %(actual_time_seconds)s, %(played_seconds)s, %(round_outcome)s, %(round1_id)s, %(is_cumulative)s,
        %(gaming_session_id)s)
ON CONFLICT (file_id) DO UPDATE
SET match_id = excluded.match_id, round_number = excluded.round_number, round_date = excluded.round_date,
    round_time = excluded.round_time, ended_at = excluded.ended_at, map_name = excluded.map_name,
    config = excluded.config, defender_team = excluded.defender_team, winner_team = excluded.winner_team,
    time_limit_seconds = excluded.time_limit_seconds, actual_time_seconds = excluded.actual_time_seconds,
    played_seconds = excluded.played_seconds, round_outcome = excluded.round_outcome,
    round1_id = excluded.round1_id, is_cumulative = excluded.is_cumulative,
    gaming_session_id = excluded.gaming_session_id, stored_at = now()
RETURNING id
