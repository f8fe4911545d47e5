-- warning: A round 2 has no round 1; its values may be of both rounds (is_cumulative).
SELECT NULL::bigint AS file_id, r.id AS round_id, NULL AS player_guid, 'round1_id' AS field, 'none' AS value,
       'a round 1 of ' || map_name || ' at most 60 minutes before, with actual time ' || time_limit_seconds || ' s'
           AS expected
FROM rounds r JOIN servers s ON s.id = r.server_id AND s.stopwatch
WHERE round_number = 2 AND round1_id IS NULL
