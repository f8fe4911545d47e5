-- error: A round 2 is paired with a round that cannot be its round 1.
SELECT NULL::bigint AS file_id, r.id AS round_id, NULL AS player_guid, n.field, n.value, n.expected
FROM rounds r JOIN rounds one ON one.id = r.round1_id JOIN servers s ON s.id = r.server_id AND s.stopwatch
CROSS JOIN LATERAL (
    -- Counters that went on from round 1 prove the pair over any limit, up to 12 hours.
    SELECT count(*) > 0 AND count(*) = count(*) FILTER (WHERE p.was_reset) AS is_unproven
    FROM player_comprehensive_stats p JOIN player_comprehensive_stats first
        ON first.round_id = one.id AND first.player_guid = p.player_guid
    WHERE p.round_id = r.id) players
CROSS JOIN LATERAL (VALUES
    ('round_number', one.round_number::text, '1', one.round_number = 1),
    ('server_id', one.server_id::text, r.server_id::text, one.server_id = r.server_id),
    ('map_name', one.map_name, r.map_name, one.map_name = r.map_name),
    ('match_id', one.match_id, r.match_id, one.match_id = r.match_id),
    ('time_limit_seconds', r.time_limit_seconds::text, one.actual_time_seconds::text,
     NOT is_unproven OR coalesce(abs(r.time_limit_seconds - one.actual_time_seconds) <= 1, true)),
    ('ended_at', r.ended_at::text, 'within 60 minutes after ' || one.ended_at,
     NOT is_unproven OR (r.ended_at >= one.ended_at AND r.ended_at - one.ended_at <= interval '60 minutes')),
    ('ended_at', r.ended_at::text, 'within 12 hours of ' || one.ended_at,
     r.ended_at - one.ended_at BETWEEN interval '-12 hours' AND interval '12 hours')
    ) AS n (field, value, expected, is_right)
WHERE NOT n.is_right
