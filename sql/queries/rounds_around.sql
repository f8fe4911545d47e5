-- The rounds of every session that has a round within reach of one of the moments.
SELECT file_id, id AS round_id, round_date + round_time AS stamp, ended_at, map_name, round_number,
       time_limit_seconds, actual_time_seconds, match_id, round1_id, gaming_session_id
FROM rounds
WHERE gaming_session_id IN (
    SELECT near.gaming_session_id
    FROM unnest(%(moments)s::timestamptz[]) AS m (moment)
    -- OFFSET keeps it a look into the index for each moment, also while the base knows nothing of its own size.
    CROSS JOIN LATERAL (
        SELECT r.gaming_session_id FROM rounds r
        WHERE r.server_id = %(server_id)s
          AND r.ended_at BETWEEN m.moment - %(reach)s::interval AND m.moment + %(reach)s::interval
        OFFSET 0) near)
