DELETE FROM sessions WHERE id = ANY(%(ids)s)
