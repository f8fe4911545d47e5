SELECT guid, alias, times_seen, first_seen, last_seen FROM player_aliases
