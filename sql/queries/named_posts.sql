-- One round, map or evening as a thing to post, whatever the watermark says; `round_ids` are all of its rounds.
WITH these AS (
    SELECT *, min(ended_at) OVER () AS began_at, max(ended_at) OVER () AS over_at
    FROM rounds WHERE id = ANY (%(round_ids)s)
)
SELECT %(kind)s AS kind, r.server_id, r.file_id AS subject, r.id AS round_id, r.gaming_session_id AS session_id,
       r.over_at AS ended_at, CASE WHEN %(kind)s = 'session' THEN r.began_at END AS first_at,
       CASE WHEN %(kind)s = 'session' THEN r.over_at END AS last_at, 0 AS attempts, s.name AS server, r.match_id
FROM these r JOIN servers s ON s.id = r.server_id
ORDER BY CASE WHEN %(kind)s = 'map' THEN -r.round_number ELSE 0 END, r.ended_at, r.id
LIMIT 1
