SELECT p.id, p.kind, p.server_id, s.name AS server, p.subject, f.filename, p.channel, p.state, p.message_id,
       p.thread_id, p.fingerprint, p.reason, p.attempts, p.first_at, p.last_at, p.created_at, p.claimed_at, p.sent_at,
       p.edited_at, r.id AS round_id, r.match_id, r.gaming_session_id AS session_id
FROM posts p
JOIN servers s ON s.id = p.server_id
JOIN processed_files f ON f.id = p.subject
LEFT JOIN rounds r ON r.file_id = p.subject
WHERE p.id = ANY (%(ids)s)
ORDER BY coalesce(r.ended_at, p.last_at, p.created_at), p.id
