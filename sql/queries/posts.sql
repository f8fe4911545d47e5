-- Posts: their states, channels and threads. `{messages}` is the table: posts or notices.

-- name: claim_post
-- Record the intent to send; no row is returned when another process has the post or had it.
INSERT INTO posts AS p (server_id, kind, subject, channel, state, attempts, first_at, last_at, style, is_combined,
                        history, created_at, claimed_at)
VALUES (%(server_id)s, %(kind)s, %(subject)s, %(channel)s, 'sending', 1, %(first_at)s, %(last_at)s, %(style)s,
        %(is_combined)s, %(history)s, %(now)s, %(now)s)
ON CONFLICT (server_id, kind, subject) DO UPDATE
SET state = 'sending', channel = excluded.channel, attempts = p.attempts + 1, claimed_at = excluded.claimed_at,
    reason = '', first_at = excluded.first_at, last_at = excluded.last_at, style = excluded.style,
    is_combined = excluded.is_combined, history = excluded.history
WHERE p.state = 'pending' OR (p.state = 'failed' AND %(again)s)
RETURNING p.id

-- name: record_result
-- The result of a claimed message. A late answer corrects one that was marked unknown meanwhile.
UPDATE {messages}
SET state = %(state)s, message_id = %(message_id)s, thread_id = %(thread_id)s, fingerprint = %(fingerprint)s,
    reason = %(reason)s, sent_at = CASE WHEN %(state)s = 'sent' THEN %(now)s::timestamptz END
WHERE id = %(id)s AND state IN ('sending', 'unknown')
RETURNING id

-- name: change_state
UPDATE {messages} SET state = %(state)s WHERE id = %(id)s AND state = %(was)s RETURNING id

-- name: mark_interrupted_unknown
-- Messages whose sending began and whose result was never recorded.
UPDATE {messages} SET state = 'unknown', reason = %(reason)s WHERE state = 'sending' RETURNING id

-- name: resolve_messages
-- One message, or with NULL all whose delivery is unknown.
UPDATE {messages}
SET state = %(state)s, reason = %(reason)s, message_id = %(message_id)s,
    sent_at = CASE WHEN %(state)s = 'sent' THEN coalesce(sent_at, claimed_at) END
WHERE id = coalesce(%(id)s, id) AND (state = 'unknown' OR (state = 'failed' AND %(id)s::bigint IS NOT NULL))
RETURNING id

-- name: record_edit
UPDATE posts SET fingerprint = %(fingerprint)s, reason = %(reason)s,
                 history = coalesce(%(history)s, history), edited_at = coalesce(%(edited_at)s, edited_at)
WHERE id = %(id)s AND state = 'sent'

-- name: failed_posts
SELECT id FROM posts WHERE state = 'failed'

-- name: unresolved_posts
-- Posts that need a person's attention.
SELECT id FROM posts WHERE state IN ('failed', 'unknown', 'sending')

-- name: posts_by_id
SELECT p.id, p.kind, p.server_id, s.name AS server, p.subject, f.filename, p.channel, p.state, p.message_id,
       p.thread_id, p.fingerprint, p.reason, p.attempts, p.first_at, p.last_at, p.created_at, p.claimed_at, p.sent_at,
       p.edited_at, p.style, p.is_combined, p.history, r.round_number,
       s.stopwatch AND EXISTS (SELECT FROM rounds one WHERE one.id = r.round1_id AND one.is_counted) AS is_paired,
       r.id AS round_id, r.match_id, r.gaming_session_id AS session_id
FROM posts p
JOIN servers s ON s.id = p.server_id
JOIN processed_files f ON f.server_id = p.server_id AND f.id = p.subject
LEFT JOIN rounds r ON r.server_id = p.server_id AND r.file_id = p.subject
WHERE p.id = ANY (%(ids)s)
ORDER BY coalesce(r.ended_at, p.last_at, p.created_at), p.id

-- name: post_of_subject
-- The post of a subject; a session may be posted under any of its files, a round 2 and its map in one message.
SELECT p.id
FROM posts p LEFT JOIN rounds r ON r.server_id = p.server_id AND r.file_id = p.subject
WHERE p.server_id = %(server_id)s
  AND (p.kind = %(kind)s OR p.is_combined AND %(kind)s IN ('round', 'map') AND p.state <> 'pending')
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
-- Without rounds that the game server dated in the future.
SELECT max(r.ended_at) FROM posts p JOIN rounds r ON r.file_id = p.subject
WHERE p.state <> 'pending' AND r.ended_at <= now() + interval '1 day'

-- name: save_channel_state
INSERT INTO channel_states (channel, purpose, gone_at, checked_at, held_until, troubles, reason)
VALUES (%(channel)s, %(purpose)s, %(gone_at)s, %(checked_at)s, %(held_until)s, %(troubles)s, %(reason)s)
ON CONFLICT (channel, purpose) DO UPDATE
SET gone_at = excluded.gone_at, checked_at = excluded.checked_at, held_until = excluded.held_until,
    troubles = excluded.troubles, reason = excluded.reason

-- name: channel_states
-- The states of the channels in use; channels that are no longer configured are deleted.
WITH forgotten AS (DELETE FROM channel_states WHERE NOT channel = ANY (%(channels)s))
SELECT channel, purpose, gone_at, checked_at, held_until, troubles, reason
FROM channel_states WHERE channel = ANY (%(channels)s)
ORDER BY channel, purpose

-- name: close_channels
-- The webhook of these channels does not exist; the time of the first such answer is kept.
INSERT INTO channel_states AS s (channel, purpose, gone_at, checked_at, reason)
SELECT channel, 'post', %(now)s, %(now)s, %(reason)s FROM unnest(%(channels)s::text[]) AS channel
ON CONFLICT (channel, purpose) DO UPDATE
SET gone_at = coalesce(s.gone_at, excluded.gone_at), checked_at = excluded.checked_at, reason = excluded.reason

-- name: reopen_channels
DELETE FROM channel_states
WHERE channel = ANY (%(channels)s) AND (gone_at IS NOT NULL OR troubles > 0)

-- name: thread_of_session
-- The forum thread of a session.
SELECT p.thread_id FROM rounds r JOIN posts p ON p.subject = r.file_id
WHERE r.gaming_session_id = %(session_id)s AND p.channel = %(channel)s AND p.thread_id IS NOT NULL
ORDER BY p.sent_at DESC LIMIT 1

-- name: clear_thread
UPDATE posts SET thread_id = NULL WHERE thread_id = %(thread_id)s
