-- The forum thread in which an evening is told.
SELECT p.thread_id FROM rounds r JOIN posts p ON p.subject = r.file_id
WHERE r.gaming_session_id = %(session_id)s AND p.channel = %(channel)s AND p.thread_id IS NOT NULL
ORDER BY p.sent_at DESC LIMIT 1
