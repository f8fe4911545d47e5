DELETE FROM player_links WHERE player_guid = %(guid)s
