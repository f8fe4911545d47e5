SELECT player_guid FROM player_links WHERE discord_user_id = %(discord_user_id)s
