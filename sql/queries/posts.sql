-- Posts: their states, and the channels and threads they go to.

-- name: claim_post
-- Record the intent to send; no row is returned when another process has the post or had it.
INSERT INTO posts AS p (server_id, kind, subject, channel, state, attempts, first_at, last_at, created_at, claimed_at)
VALUES (%(server_id)s, %(kind)s, %(subject)s, %(channel)s, 'sending', 1, %(first_at)s, %(last_at)s, %(now)s, %(now)s)
ON CONFLICT (server_id, kind, subject) DO UPDATE
SET state = 'sending', channel = excluded.channel, attempts = p.attempts + 1, claimed_at = excluded.claimed_at,
    reason = '', first_at = excluded.first_at, last_at = excluded.last_at
WHERE p.state = 'pending' OR (p.state = 'failed' AND %(again)s)
RETURNING p.id

-- name: record_post
-- The result of a claimed post. A late answer corrects a post that was marked unknown meanwhile.
UPDATE posts
SET state = %(state)s, message_id = %(message_id)s, thread_id = %(thread_id)s, fingerprint = %(fingerprint)s,
    reason = %(reason)s, sent_at = CASE WHEN %(state)s = 'sent' THEN %(now)s::timestamptz END
WHERE id = %(id)s AND state IN ('sending', 'unknown')

-- name: record_edit
UPDATE posts SET fingerprint = %(fingerprint)s, reason = %(reason)s,
                 edited_at = coalesce(%(edited_at)s, edited_at)
WHERE id = %(id)s AND state = 'sent'

-- name: change_post_state
UPDATE posts SET state = %(state)s WHERE id = %(id)s AND state = %(was)s RETURNING id

-- name: mark_interrupted_unknown
-- Posts whose sending began and whose result was never recorded.
UPDATE posts SET state = 'unknown', reason = %(reason)s WHERE state = 'sending' RETURNING id

-- name: resolve_post
UPDATE posts SET state = %(state)s, reason = %(reason)s, message_id = %(message_id)s,
                 sent_at = CASE WHEN %(state)s = 'sent' THEN coalesce(sent_at, claimed_at) END
WHERE id = %(id)s AND state IN ('unknown', 'failed')
RETURNING id

-- name: unresolved_posts
-- Posts that need a person's attention.
SELECT id FROM posts WHERE state IN ('failed', 'unknown', 'sending')

-- name: post_counts
SELECT state, count(*)::integer FROM posts GROUP BY state

-- name: posts_by_id
SELECT p.id, p.kind, p.server_id, s.name AS server, p.subject, f.filename, p.channel, p.state, p.message_id,
       p.thread_id, p.fingerprint, p.reason, p.attempts, p.first_at, p.last_at, p.created_at, p.claimed_at, p.sent_at,
       p.edited_at, r.id AS round_id, r.match_id, r.gaming_session_id AS session_id
FROM posts p
JOIN servers s ON s.id = p.server_id
JOIN processed_files f ON f.server_id = p.server_id AND f.id = p.subject
LEFT JOIN rounds r ON r.server_id = p.server_id AND r.file_id = p.subject
WHERE p.id = ANY (%(ids)s)
ORDER BY coalesce(r.ended_at, p.last_at, p.created_at), p.id

-- name: post_of_subject
-- The post of a subject; a session may be posted under any of its files.
SELECT p.id
FROM posts p LEFT JOIN rounds r ON r.server_id = p.server_id AND r.file_id = p.subject
WHERE p.server_id = %(server_id)s AND p.kind = %(kind)s
  AND (p.subject = %(subject)s
       OR (p.kind = 'session' AND (r.gaming_session_id = %(session_id)s
                                   OR (p.first_at <= %(last_at)s AND p.last_at >= %(first_at)s))))
ORDER BY p.state = 'pending', p.id
LIMIT 1

-- name: posts_of_session
-- The messages about a session's rounds that can be edited.
SELECT p.id
FROM rounds r JOIN posts p ON p.server_id = r.server_id AND p.subject = r.file_id
WHERE r.gaming_session_id = %(session_id)s AND p.kind <> 'digest' AND p.message_id IS NOT NULL
UNION
SELECT p.id
FROM rounds r JOIN posts p ON p.server_id = r.server_id AND r.ended_at BETWEEN p.first_at AND p.last_at
WHERE r.gaming_session_id = %(session_id)s AND p.kind = 'digest' AND p.message_id IS NOT NULL

-- name: newest_posted_round
SELECT max(r.ended_at) FROM posts p JOIN rounds r ON r.file_id = p.subject WHERE p.state <> 'pending'

-- name: close_channel
INSERT INTO post_channels AS c (channel, gone_at, gone_reason, held_until)
VALUES (%(channel)s, %(gone_at)s, %(gone_reason)s, %(held_until)s)
ON CONFLICT (channel) DO UPDATE
SET gone_at = coalesce(c.gone_at, excluded.gone_at), gone_reason = coalesce(c.gone_reason, excluded.gone_reason),
    held_until = coalesce(excluded.held_until, c.held_until)

-- name: closed_channels
-- The channels that accept nothing, and why; channels that no setting names any more are removed.
WITH forgotten AS (DELETE FROM post_channels WHERE NOT channel = ANY (%(channels)s))
SELECT channel, gone_at, gone_reason, held_until FROM post_channels WHERE channel = ANY (%(channels)s)

-- name: thread_of_session
-- The forum thread of a session.
SELECT p.thread_id FROM rounds r JOIN posts p ON p.subject = r.file_id
WHERE r.gaming_session_id = %(session_id)s AND p.channel = %(channel)s AND p.thread_id IS NOT NULL
ORDER BY p.sent_at DESC LIMIT 1

-- name: clear_thread
UPDATE posts SET thread_id = NULL WHERE thread_id = %(thread_id)s
