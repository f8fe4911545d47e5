-- A player has one account and an account one player: what either was linked to before gives way.
WITH gone AS (
    DELETE FROM player_links
    WHERE (player_guid = %(guid)s) <> (discord_user_id = %(discord_user_id)s)
)
INSERT INTO player_links AS l (discord_user_id, player_guid, wants_mention)
VALUES (%(discord_user_id)s, %(guid)s, %(wants_mention)s)
ON CONFLICT (player_guid) DO UPDATE SET wants_mention = excluded.wants_mention
