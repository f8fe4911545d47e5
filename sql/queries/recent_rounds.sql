-- The newest rounds in scope; `most` NULL means all of them.
SELECT r.id
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
ORDER BY r.ended_at DESC, r.id DESC
LIMIT %(most)s
