-- Messages that belong to no file: their states.

-- name: claim_notice
-- Record the intent to send; no row is returned when another process has the message or had it.
INSERT INTO notices AS n (kind, subject, server_id, channel, state, attempts, last_at, created_at, claimed_at)
VALUES (%(kind)s, %(subject)s, %(server_id)s, %(channel)s, 'sending', 1, %(last_at)s, %(now)s, %(now)s)
ON CONFLICT (kind, subject) DO UPDATE
SET state = 'sending', channel = excluded.channel, attempts = n.attempts + 1, claimed_at = excluded.claimed_at,
    reason = ''
WHERE n.state = 'pending' OR (n.state = 'failed' AND %(again)s)
RETURNING n.id

-- name: record_notice_edit
UPDATE notices
SET fingerprint = %(fingerprint)s, reason = %(reason)s, edited_at = coalesce(%(edited_at)s, edited_at),
    is_outdated = false
WHERE id = %(id)s AND state = 'sent'

-- name: reset_notice
-- Send the message again: it was deleted, or must be in another channel now.
UPDATE notices
SET state = 'pending', message_id = NULL, thread_id = NULL, fingerprint = NULL, reason = %(reason)s
WHERE id = %(id)s AND state = 'sent'

-- name: see_players
UPDATE notices SET last_at = %(now)s WHERE id = %(id)s

-- name: notices
SELECT n.id, n.kind, n.subject, n.server_id, s.name AS server, n.channel, n.state, n.message_id, n.thread_id,
       n.fingerprint, n.reason, n.attempts, n.is_outdated, n.last_at, n.created_at, n.sent_at, n.edited_at
FROM notices n LEFT JOIN servers s ON s.id = n.server_id
WHERE n.id = ANY (%(ids)s)
ORDER BY n.id

-- name: notice_of
SELECT id FROM notices WHERE kind = %(kind)s AND subject = %(subject)s

-- name: newest_notice
-- Of a server, or with 0 about all servers.
SELECT id FROM notices WHERE kind = %(kind)s AND coalesce(server_id, 0) = %(server_id)s ORDER BY id DESC LIMIT 1

-- name: unresolved_notices
SELECT id FROM notices WHERE state IN ('failed', 'unknown')

-- name: outdated_notices
SELECT id FROM notices WHERE is_outdated AND state = 'sent' AND message_id IS NOT NULL

-- name: drop_notice
DELETE FROM notices WHERE id = %(id)s AND state = 'pending'

-- name: close_notice
-- The subject of the message is over, and there is no message to edit.
UPDATE notices SET fingerprint = %(fingerprint)s WHERE id = %(id)s

-- name: drop_failed_notices
-- Messages about a momentary state are not sent later.
DELETE FROM notices WHERE state = 'failed' AND kind IN ('game_on', 'session_start')

-- name: retry_failed_notices
UPDATE notices SET state = 'pending' WHERE state = 'failed' RETURNING id
