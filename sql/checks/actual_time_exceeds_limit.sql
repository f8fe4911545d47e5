-- warning: A round took longer than its limit allows.
SELECT NULL::bigint AS file_id, id AS round_id, NULL AS player_guid, 'actual_time_seconds' AS field,
       actual_time_seconds::text AS value, 'at most ' || time_limit_seconds AS expected
FROM rounds
WHERE actual_time_seconds > time_limit_seconds AND time_limit_seconds > 0
