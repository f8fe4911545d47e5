-- The post of a thing; an evening may be told under any of its files.
SELECT p.id
FROM posts p LEFT JOIN rounds r ON r.file_id = p.subject
WHERE p.server_id = %(server_id)s AND p.kind = %(kind)s
  AND (p.subject = %(subject)s
       OR (p.kind = 'session' AND (r.gaming_session_id = %(session_id)s
                                   OR (p.first_at <= %(last_at)s AND p.last_at >= %(first_at)s))))
ORDER BY p.state = 'pending', p.id
LIMIT 1
