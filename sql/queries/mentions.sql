-- Who of these is linked, asked to be mentioned, and is not hidden.
SELECT l.player_guid, l.discord_user_id::text FROM player_links l
WHERE l.wants_mention AND l.player_guid = ANY (%(guids)s)
  AND NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = l.player_guid)
