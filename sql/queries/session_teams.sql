SELECT player_guid, team FROM session_teams WHERE session_id = %(session_id)s
