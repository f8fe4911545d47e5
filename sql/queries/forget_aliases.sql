DELETE FROM player_aliases WHERE guid = %(guid)s
