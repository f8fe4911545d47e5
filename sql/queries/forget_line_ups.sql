UPDATE session_teams SET player_guid = %(pseudonym_guid)s WHERE player_guid = %(guid)s
