SELECT session_id, player_guid, team FROM session_teams WHERE session_id = ANY(%(session_ids)s)
