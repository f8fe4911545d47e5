-- Everything that was ever told is looked at again.
INSERT INTO changed_sessions AS c (session_id)
SELECT DISTINCT r.gaming_session_id
FROM posts p JOIN rounds r ON r.file_id = p.subject OR (p.kind = 'digest' AND r.server_id = p.server_id
                                                        AND r.ended_at BETWEEN p.first_at AND p.last_at)
ON CONFLICT (session_id) DO UPDATE SET changes = c.changes + 1
