DELETE FROM player_aliases
