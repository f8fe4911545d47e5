SELECT file_id, id AS round_id, round_date + round_time AS stamp, ended_at, map_name, round_number,
       time_limit_seconds, actual_time_seconds, match_id, round1_id, gaming_session_id
FROM rounds
WHERE file_id = ANY(%(file_ids)s)
