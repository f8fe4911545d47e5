DELETE FROM sessions s WHERE NOT EXISTS (SELECT FROM rounds r WHERE r.gaming_session_id = s.id)
