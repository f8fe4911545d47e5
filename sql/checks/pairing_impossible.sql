-- error: A round 2 is paired with a round that cannot be its round 1.
SELECT NULL::bigint AS file_id, r.id AS round_id, NULL AS player_guid, n.field, n.value, n.expected
FROM rounds r JOIN rounds one ON one.id = r.round1_id
CROSS JOIN LATERAL (VALUES
    ('round_number', one.round_number::text, '1', one.round_number = 1),
    ('server_id', one.server_id::text, r.server_id::text, one.server_id = r.server_id),
    ('map_name', one.map_name, r.map_name, one.map_name = r.map_name),
    ('match_id', one.match_id, r.match_id, one.match_id = r.match_id),
    ('time_limit_seconds', r.time_limit_seconds::text, one.actual_time_seconds::text,
     coalesce(abs(r.time_limit_seconds - one.actual_time_seconds) <= 1, true)),
    ('ended_at', r.ended_at::text, 'within 60 minutes after ' || one.ended_at,
     r.ended_at >= one.ended_at AND r.ended_at - one.ended_at <= interval '60 minutes')
    ) AS n (field, value, expected, is_right)
WHERE NOT n.is_right
