-- The newest gaming sessions with a round in scope; `most` NULL means all of them.
SELECT r.gaming_session_id AS id
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
GROUP BY r.gaming_session_id
ORDER BY max(r.ended_at) DESC, r.gaming_session_id DESC
LIMIT %(most)s
