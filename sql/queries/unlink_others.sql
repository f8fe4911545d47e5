-- A player has one account and an account one player.
DELETE FROM player_links WHERE (player_guid = %(guid)s) <> (discord_user_id = %(discord_user_id)s)
