SELECT NOT EXISTS (SELECT FROM player_aliases WHERE guid = %(guid)s)
   AND NOT EXISTS (SELECT FROM forgotten_players WHERE pseudonym_guid = %(guid)s)
