INSERT INTO player_links (discord_user_id, player_guid, wants_mention)
VALUES (%(discord_user_id)s, %(guid)s, %(wants_mention)s)
ON CONFLICT (player_guid) DO UPDATE SET wants_mention = excluded.wants_mention
