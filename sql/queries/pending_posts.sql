-- Pending posts: watermarks, changed sessions and digests.

-- name: set_watermarks
-- Posting begins now for each new pair of server and kind, and ends for pairs not named. A start beyond tomorrow was
-- stored while a machine's clock was wrong: posting begins now instead. When most of the newest rounds end beyond
-- tomorrow, it is the clock of this run that is behind: posting begins after those rounds.
WITH wanted AS (
    SELECT * FROM unnest(%(server_ids)s::integer[], %(kinds)s::text[]) AS w (server_id, kind)
), ended AS (
    DELETE FROM post_watermarks w
    WHERE NOT EXISTS (SELECT FROM wanted n WHERE (n.server_id, n.kind) = (w.server_id, w.kind))
), start AS (
    SELECT CASE WHEN 2 * count(*) FILTER (WHERE ended_at > %(now)s::timestamptz + interval '1 day') > count(*)
                THEN max(ended_at) + interval '1 second' ELSE %(now)s::timestamptz END AS since
    FROM (SELECT ended_at FROM rounds ORDER BY id DESC LIMIT 100) newest
)
INSERT INTO post_watermarks (server_id, kind, since)
SELECT server_id, kind, start.since FROM wanted, start
ON CONFLICT (server_id, kind) DO UPDATE SET since = excluded.since
WHERE post_watermarks.since > excluded.since + interval '1 day'

-- name: posting_start
SELECT min(since), EXISTS (SELECT FROM posts) FROM post_watermarks

-- name: raise_watermarks
UPDATE post_watermarks SET since = greatest(since, %(since)s)

-- name: move_watermarks
-- Posting begins at another time; every session since then is compared again.
WITH moved AS (UPDATE post_watermarks SET since = %(since)s)
INSERT INTO changed_sessions AS c (session_id)
SELECT DISTINCT gaming_session_id FROM rounds WHERE ended_at >= %(since)s
ON CONFLICT (session_id) DO UPDATE SET changes = c.changes + 1

-- name: due_posts
-- What is due to be posted, oldest first: items of the changed sessions, and pending digests. A round 2 without its
-- round 1 waits for `patience`; a session has ended `session_end` after its last round. A round that was dated in the
-- future ended when it was stored. Sessions without a match (both rounds) of at least two against two: with
-- `small_sessions`.
WITH near AS MATERIALIZED (
    SELECT r.id, r.server_id, r.file_id, r.match_id, r.round_number, r.round1_id, r.is_cumulative, r.ended_at,
           r.gaming_session_id, least(r.ended_at, r.stored_at) AS over_at
    FROM changed_sessions c JOIN rounds r ON r.gaming_session_id = c.session_id
    WHERE r.is_counted
), spans AS (
    SELECT server_id, gaming_session_id, min(ended_at) AS first_at, max(ended_at) AS ended_at, max(over_at) AS over_at,
           (array_agg(file_id ORDER BY ended_at, id))[1] AS file_id,
           (array_agg(id ORDER BY ended_at, id))[1] AS id
    FROM near
    GROUP BY server_id, gaming_session_id
), candidates AS (
    SELECT 'round' AS kind, server_id, file_id AS subject, id AS round_id, gaming_session_id AS session_id, ended_at,
           NULL::timestamptz AS first_at, NULL::timestamptz AS last_at
    FROM near
    WHERE NOT is_cumulative OR over_at + %(patience)s::interval <= %(now)s
    UNION ALL
    SELECT 'map', server_id, file_id, id, gaming_session_id, ended_at, NULL, NULL
    FROM near
    -- Without stopwatch the post of a round is that of its map.
    WHERE round1_id IN (SELECT one.id FROM near one)
      AND server_id IN (SELECT id FROM servers WHERE stopwatch)
    UNION ALL
    SELECT 'session', server_id, file_id, id, gaming_session_id, ended_at, first_at, ended_at
    FROM spans e
    WHERE over_at + %(session_end)s::interval <= %(now)s
      AND (%(small_sessions)s OR EXISTS (
              SELECT FROM near n JOIN player_comprehensive_stats x ON x.round_id = n.id
              JOIN servers s ON s.id = n.server_id
              WHERE n.server_id = e.server_id AND n.gaming_session_id = e.gaming_session_id
                AND (n.round1_id IS NOT NULL OR NOT s.stopwatch)
              GROUP BY n.id
              HAVING count(*) FILTER (WHERE x.team = 1) >= 2 AND count(*) FILTER (WHERE x.team = 2) >= 2))
      -- Late files may have moved the start of a session that was already posted.
      AND NOT EXISTS (SELECT FROM near n
                      JOIN posts p ON p.server_id = n.server_id AND p.subject = n.file_id AND p.kind = 'session'
                      WHERE n.server_id = e.server_id AND n.gaming_session_id = e.gaming_session_id
                        AND p.state <> 'pending')
      AND NOT EXISTS (SELECT FROM near n JOIN digest_items i ON i.subject = n.file_id AND i.kind = 'session'
                      WHERE n.server_id = e.server_id AND n.gaming_session_id = e.gaming_session_id)
      AND NOT EXISTS (SELECT FROM posts p
                      WHERE p.server_id = e.server_id AND p.kind = 'session' AND p.state <> 'pending'
                        AND p.first_at <= e.ended_at AND p.last_at >= e.first_at)
), due AS (
    SELECT t.*, coalesce(p.attempts, 0) AS attempts
    FROM candidates t
    JOIN post_watermarks w ON (w.server_id, w.kind) = (t.server_id, t.kind) AND t.ended_at >= w.since
    LEFT JOIN posts p ON (p.server_id, p.kind, p.subject) = (t.server_id, t.kind, t.subject)
    WHERE (p.id IS NULL OR p.state = 'pending')
      -- The same content may have been posted under a later name that is now a duplicate.
      AND NOT EXISTS (SELECT FROM processed_files f JOIN posts o ON o.server_id = f.server_id AND o.subject = f.id
                      WHERE f.server_id = t.server_id AND f.duplicate_of = t.subject AND o.state <> 'pending'
                        AND (o.kind = t.kind OR o.is_combined AND t.kind IN ('round', 'map')))
      AND NOT EXISTS (SELECT FROM posts c
                      WHERE c.server_id = t.server_id AND c.subject = t.subject AND c.is_combined AND c.state <> 'failed'
                        AND c.kind <> t.kind AND t.kind IN ('round', 'map'))
      AND NOT EXISTS (SELECT FROM digest_items i WHERE i.subject = t.subject AND i.kind = t.kind)
      AND NOT EXISTS (SELECT FROM posts g
                      WHERE g.server_id = t.server_id AND g.kind = 'digest' AND t.kind <> 'session'
                        AND t.ended_at BETWEEN g.first_at AND g.last_at)
    UNION ALL
    SELECT p.kind, p.server_id, p.subject, NULL, NULL, p.last_at, p.first_at, p.last_at, p.attempts
    FROM posts p
    WHERE p.kind = 'digest' AND p.state = 'pending'
)
SELECT d.*, s.name AS server, r.match_id, coalesce(r.round_number, 0) AS round_number,
       s.stopwatch AND EXISTS (SELECT FROM rounds one WHERE one.id = r.round1_id AND one.is_counted) AS is_paired
FROM due d
JOIN servers s ON s.id = d.server_id
LEFT JOIN rounds r ON r.server_id = d.server_id AND r.id = d.round_id
ORDER BY d.ended_at, array_position(ARRAY['digest', 'round', 'map', 'session'], d.kind), d.subject

-- name: is_post_counted
-- Whether what a post is about is counted: NULL when it has no rounds.
SELECT CASE %(kind)s
       WHEN 'round' THEN (SELECT r.is_counted FROM rounds r WHERE r.id = %(round_id)s)
       WHEN 'map' THEN (SELECT bool_and(r.is_counted) FROM rounds r
                        WHERE r.server_id = %(server_id)s AND r.match_id = %(match_id)s)
       ELSE (SELECT bool_or(r.is_counted) FROM rounds r WHERE r.gaming_session_id = %(session_id)s) END

-- name: post_subject_of_rounds
-- One round, map or session as a post subject, whatever the watermark; `round_ids` are all of its rounds.
WITH these AS (
    SELECT *, min(ended_at) OVER () AS began_at, max(ended_at) OVER () AS over_at
    FROM rounds WHERE id = ANY (%(round_ids)s)
)
SELECT %(kind)s AS kind, r.server_id, r.file_id AS subject, r.id AS round_id, r.gaming_session_id AS session_id,
       r.over_at AS ended_at, CASE WHEN %(kind)s = 'session' THEN r.began_at END AS first_at,
       CASE WHEN %(kind)s = 'session' THEN r.over_at END AS last_at, 0 AS attempts, s.name AS server, r.match_id,
       r.round_number,
       s.stopwatch AND EXISTS (SELECT FROM rounds one WHERE one.id = r.round1_id AND one.is_counted) AS is_paired
FROM these r JOIN servers s ON s.id = r.server_id
ORDER BY CASE WHEN %(kind)s = 'map' THEN -r.round_number ELSE 0 END, r.ended_at, r.id
LIMIT 1

-- name: add_digest
-- Replace a backlog by one digest: it covers the rounds and maps, and the sessions before the last one.
WITH taken AS (
    DELETE FROM posts
    WHERE server_id = %(server_id)s AND state = 'pending' AND kind IN ('round', 'map', 'session')
      AND (kind, subject) IN (SELECT * FROM unnest(%(kinds)s::text[], %(subjects)s::bigint[]))
), moved AS (
    UPDATE post_watermarks
    SET since = greatest(since, CASE WHEN kind = 'session' THEN %(last_session_began)s::timestamptz
                                     ELSE %(last_at)s::timestamptz + interval '1 microsecond' END)
    WHERE server_id = %(server_id)s
), digest AS (
    INSERT INTO posts (server_id, kind, subject, channel, state, first_at, last_at, created_at)
    VALUES (%(server_id)s, 'digest', %(subject)s, %(channel)s, 'pending', %(first_at)s, %(last_at)s, %(now)s)
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO digest_items (subject, kind, digest_id)
SELECT item.subject, item.kind, digest.id
FROM digest, unnest(%(kinds)s::text[], %(subjects)s::bigint[]) AS item (kind, subject)
ON CONFLICT DO NOTHING

-- name: has_changed_posts
SELECT EXISTS (SELECT FROM changed_sessions WHERE changes <> checked)
    OR EXISTS (SELECT FROM posts WHERE state = 'sending')

-- name: changed_sessions
SELECT session_id, changes FROM changed_sessions WHERE changes <> checked ORDER BY session_id

-- name: mark_session_checked
UPDATE changed_sessions SET checked = %(changes)s WHERE session_id = %(session_id)s

-- name: mark_posted_sessions_changed
-- All posts are compared again.
INSERT INTO changed_sessions AS c (session_id)
SELECT DISTINCT r.gaming_session_id
FROM posts p JOIN rounds r ON r.file_id = p.subject OR (p.kind = 'digest' AND r.server_id = p.server_id
                                                        AND r.ended_at BETWEEN p.first_at AND p.last_at)
ON CONFLICT (session_id) DO UPDATE SET changes = c.changes + 1

-- name: drop_finished_sessions
-- Sessions that ended, have nothing due, and agree with their posts need no comparison until they change again.
-- Rows locked by another transaction are skipped. A pending post of a session is deleted when a late file moved the
-- start of the session, and it was posted under that file.
WITH superseded AS (
    DELETE FROM posts p
    WHERE p.kind = 'session' AND p.state = 'pending'
      AND EXISTS (SELECT FROM rounds r JOIN rounds n USING (server_id, gaming_session_id)
                  JOIN posts o ON o.server_id = n.server_id AND o.subject = n.file_id AND o.kind = 'session'
                  WHERE r.server_id = p.server_id AND r.file_id = p.subject AND o.state <> 'pending')
)
DELETE FROM changed_sessions
WHERE session_id IN (
    SELECT c.session_id FROM changed_sessions c
    WHERE c.changes = c.checked
      AND NOT c.session_id = ANY (%(due)s)
      AND NOT EXISTS (SELECT FROM rounds r
                      WHERE r.gaming_session_id = c.session_id AND r.ended_at + %(open_for)s::interval > %(now)s)
    FOR UPDATE SKIP LOCKED)
