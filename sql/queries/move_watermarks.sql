-- Posting begins at another moment; every evening from then on is looked at again.
WITH moved AS (UPDATE post_watermarks SET since = %(since)s)
INSERT INTO changed_sessions AS c (session_id)
SELECT DISTINCT gaming_session_id FROM rounds WHERE ended_at >= %(since)s
ON CONFLICT (session_id) DO UPDATE SET changes = c.changes + 1
