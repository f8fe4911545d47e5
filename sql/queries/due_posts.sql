-- What is to be posted, oldest first: of the evenings that changed, and the digests that wait. A round 2 whose
-- round 1 is missing gets some patience; an evening has ended when nothing came for so long.
WITH near AS MATERIALIZED (
    SELECT r.id, r.server_id, r.file_id, r.match_id, r.round_number, r.round1_id, r.is_cumulative, r.ended_at,
           r.gaming_session_id
    FROM changed_sessions c JOIN rounds r ON r.gaming_session_id = c.session_id
), evenings AS (
    SELECT server_id, gaming_session_id, min(ended_at) AS first_at, max(ended_at) AS ended_at,
           (array_agg(file_id ORDER BY ended_at, id))[1] AS file_id,
           (array_agg(id ORDER BY ended_at, id))[1] AS id
    FROM near
    GROUP BY server_id, gaming_session_id
), things AS (
    SELECT 'round' AS kind, server_id, file_id AS subject, id AS round_id, gaming_session_id AS session_id, ended_at,
           NULL::timestamptz AS first_at, NULL::timestamptz AS last_at
    FROM near
    WHERE NOT is_cumulative OR ended_at + %(patience)s::interval <= %(now)s
    UNION ALL
    SELECT 'map', server_id, file_id, id, gaming_session_id, ended_at, NULL, NULL
    FROM near
    WHERE round1_id IS NOT NULL
    UNION ALL
    SELECT 'session', server_id, file_id, id, gaming_session_id, ended_at, first_at, ended_at
    FROM evenings e
    WHERE ended_at + %(session_end)s::interval <= %(now)s
      -- Late files may have moved the beginning of an evening that was told already.
      AND NOT EXISTS (SELECT FROM near n JOIN posts p ON p.subject = n.file_id AND p.kind = 'session'
                      WHERE n.gaming_session_id = e.gaming_session_id AND p.state <> 'pending')
      AND NOT EXISTS (SELECT FROM posts p
                      WHERE p.server_id = e.server_id AND p.kind = 'session' AND p.state <> 'pending'
                        AND p.first_at <= e.ended_at AND p.last_at >= e.first_at)
), due AS (
    SELECT t.*, coalesce(p.attempts, 0) AS attempts
    FROM things t
    JOIN post_watermarks w ON (w.server_id, w.kind) = (t.server_id, t.kind) AND t.ended_at >= w.since
    LEFT JOIN posts p ON (p.server_id, p.kind, p.subject) = (t.server_id, t.kind, t.subject)
    WHERE (p.id IS NULL OR p.state = 'pending')
      -- The same content may have been told under a later name, which counts no more.
      AND NOT EXISTS (SELECT FROM processed_files f JOIN posts o ON o.subject = f.id
                      WHERE f.duplicate_of = t.subject AND o.kind = t.kind AND o.state <> 'pending')
      AND NOT EXISTS (SELECT FROM posts g
                      WHERE g.server_id = t.server_id AND g.kind = 'digest' AND t.kind <> 'session'
                        AND t.ended_at BETWEEN g.first_at AND g.last_at)
    UNION ALL
    SELECT p.kind, p.server_id, p.subject, NULL, NULL, p.last_at, p.first_at, p.last_at, p.attempts
    FROM posts p
    WHERE p.kind = 'digest' AND p.state = 'pending'
)
SELECT d.*, s.name AS server, r.match_id
FROM due d
JOIN servers s ON s.id = d.server_id
LEFT JOIN rounds r ON r.id = d.round_id
ORDER BY d.ended_at, array_position(ARRAY['digest', 'round', 'map', 'session'], d.kind), d.subject
