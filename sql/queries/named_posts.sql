-- One round, map or evening as a thing to post, whatever the watermark says; `round_ids` are all of its rounds.
SELECT %(kind)s AS kind, r.server_id, r.file_id AS subject, r.id AS round_id, r.gaming_session_id AS session_id,
       (SELECT max(ended_at) FROM rounds WHERE id = ANY (%(round_ids)s)) AS ended_at,
       NULL::timestamptz AS first_at, NULL::timestamptz AS last_at, 0 AS attempts, s.name AS server, r.match_id
FROM rounds r JOIN servers s ON s.id = r.server_id
WHERE r.id = ANY (%(round_ids)s)
ORDER BY CASE WHEN %(kind)s = 'map' THEN -r.round_number ELSE 0 END, r.ended_at, r.id
LIMIT 1
