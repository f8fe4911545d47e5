-- The intent to send: no row comes back when somebody else has it, or had it.
INSERT INTO posts AS p (server_id, kind, subject, channel, state, attempts, first_at, last_at, created_at, claimed_at)
VALUES (%(server_id)s, %(kind)s, %(subject)s, %(channel)s, 'sending', 1, %(first_at)s, %(last_at)s, %(now)s, %(now)s)
ON CONFLICT (server_id, kind, subject) DO UPDATE
SET state = 'sending', channel = excluded.channel, attempts = p.attempts + 1, claimed_at = excluded.claimed_at,
    reason = '', first_at = excluded.first_at, last_at = excluded.last_at
WHERE p.state = 'pending' OR (p.state = 'failed' AND %(again)s)
RETURNING p.id
