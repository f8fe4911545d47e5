DELETE FROM session_teams WHERE session_id = ANY(%(session_ids)s)
