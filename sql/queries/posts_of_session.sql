-- The messages that tell of an evening's rounds and can be edited.
SELECT p.id
FROM rounds r JOIN posts p ON p.subject = r.file_id
WHERE r.gaming_session_id = %(session_id)s AND p.kind <> 'digest' AND p.message_id IS NOT NULL
UNION
SELECT p.id
FROM rounds r JOIN posts p ON p.server_id = r.server_id AND r.ended_at BETWEEN p.first_at AND p.last_at
WHERE r.gaming_session_id = %(session_id)s AND p.kind = 'digest' AND p.message_id IS NOT NULL
