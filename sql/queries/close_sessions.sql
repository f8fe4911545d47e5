-- Evenings that are over, told as far as they ever will be, and agree with their posts: nothing to look at until
-- they change again. What is being changed at this moment is left alone.
DELETE FROM changed_sessions
WHERE session_id IN (
    SELECT c.session_id FROM changed_sessions c
    WHERE c.changes = c.checked
      AND NOT c.session_id = ANY (%(due)s)
      AND NOT EXISTS (SELECT FROM rounds r
                      WHERE r.gaming_session_id = c.session_id AND r.ended_at + %(open_for)s::interval > %(now)s)
    FOR UPDATE SKIP LOCKED)
