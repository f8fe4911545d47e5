DELETE FROM hidden_players WHERE player_guid = %(guid)s
