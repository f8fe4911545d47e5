-- The rounds of every session that has a round between the two moments.
SELECT file_id, id AS round_id, round_date + round_time AS stamp, ended_at, map_name, round_number, time_limit_seconds, actual_time_seconds,
       match_id, round1_id, gaming_session_id
FROM rounds
WHERE server_id = %(server_id)s
  AND gaming_session_id IN (SELECT gaming_session_id FROM rounds
                            WHERE server_id = %(server_id)s AND ended_at BETWEEN %(low)s AND %(high)s)
