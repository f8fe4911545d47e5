-- Discord links, hidden players, anonymization.

-- name: link_player
INSERT INTO player_links (discord_user_id, player_guid, wants_mention)
VALUES (%(discord_user_id)s, %(guid)s, %(wants_mention)s)
ON CONFLICT (player_guid) DO UPDATE SET wants_mention = excluded.wants_mention

-- name: unlink_others
-- A player has one account and an account has one player.
DELETE FROM player_links WHERE (player_guid = %(guid)s) <> (discord_user_id = %(discord_user_id)s)

-- name: unlink_player
DELETE FROM player_links WHERE player_guid = %(guid)s

-- name: linked_player
SELECT player_guid FROM player_links WHERE discord_user_id = %(discord_user_id)s

-- name: links
-- All links, by the players' last names.
SELECT l.discord_user_id::text, l.player_guid, coalesce(a.alias, l.player_guid) AS clean_name, l.wants_mention, l.linked_at
FROM player_links l
LEFT JOIN LATERAL (SELECT alias FROM player_aliases WHERE guid = l.player_guid
                   ORDER BY last_seen DESC, times_seen DESC LIMIT 1) a ON true
ORDER BY lower(coalesce(a.alias, l.player_guid)), l.player_guid

-- name: mentions
-- The accounts of the players who asked to be mentioned and are not hidden.
SELECT l.player_guid, l.discord_user_id::text FROM player_links l
WHERE l.wants_mention AND l.player_guid = ANY (%(guids)s)
  AND NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = l.player_guid)

-- name: hide_player
INSERT INTO hidden_players (player_guid) VALUES (%(guid)s) ON CONFLICT DO NOTHING

-- name: unhide_player
DELETE FROM hidden_players WHERE player_guid = %(guid)s

-- name: hidden_players
-- All hidden players with their last names.
SELECT h.player_guid, coalesce(a.alias, h.player_guid) AS clean_name, h.hidden_at
FROM hidden_players h
LEFT JOIN LATERAL (SELECT alias FROM player_aliases WHERE guid = h.player_guid
                   ORDER BY last_seen DESC, times_seen DESC LIMIT 1) a ON true
ORDER BY h.hidden_at, h.player_guid

-- name: touch_rounds_of_player
-- What is shown of these rounds has changed: their posts are compared again.
UPDATE rounds SET stored_at = now()
WHERE id IN (SELECT round_id FROM player_comprehensive_stats WHERE player_guid = %(guid)s)

-- name: anonymization_key
SELECT key FROM forgetting_key

-- name: add_anonymization_key
INSERT INTO forgetting_key (key) VALUES (%(key)s) ON CONFLICT DO NOTHING

-- name: anonymized_players
SELECT guid_hash, pseudonym_guid, pseudonym FROM forgotten_players ORDER BY forgotten_at, guid_hash

-- name: add_anonymized_player
INSERT INTO forgotten_players (guid_hash, pseudonym_guid, pseudonym)
VALUES (%(guid_hash)s, %(pseudonym_guid)s, %(pseudonym)s)

-- name: is_guid_free
SELECT NOT EXISTS (SELECT FROM player_aliases WHERE guid = %(guid)s)
   AND NOT EXISTS (SELECT FROM forgotten_players WHERE pseudonym_guid = %(guid)s)

-- name: drop_aliases_of_player
DELETE FROM player_aliases WHERE guid = %(guid)s

-- name: anonymize_reasons
-- The reason of a quarantined file may name a player.
UPDATE processed_files
SET error_message = replace(error_message, %(guid)s, %(pseudonym_guid)s),
    rejected_reason = replace(rejected_reason, %(guid)s, %(pseudonym_guid)s)
WHERE position(%(guid)s IN error_message) > 0 OR position(%(guid)s IN rejected_reason) > 0

-- name: anonymize_session_teams
UPDATE session_teams SET player_guid = %(pseudonym_guid)s WHERE player_guid = %(guid)s

-- name: anonymize_series_teams
UPDATE series_teams SET player_guid = %(pseudonym_guid)s WHERE player_guid = %(guid)s

-- name: anonymize_identities
UPDATE player_identities
SET player_guid = replace(player_guid, %(guid)s, %(pseudonym_guid)s),
    identity_guid = replace(identity_guid, %(guid)s, %(pseudonym_guid)s), display_name = NULL
WHERE %(guid)s IN (player_guid, identity_guid)

-- name: anonymize_ratings
UPDATE player_ratings SET identity_guid = %(pseudonym_guid)s WHERE identity_guid = %(guid)s

-- name: anonymize_corrections
-- A correction stays in force for the pseudonym; the reason, which may name the player, goes.
UPDATE corrections
SET subject = replace(subject, %(guid)s, %(pseudonym_guid)s),
    value = CASE WHEN kind = 'rename' THEN %(pseudonym)s ELSE replace(value, %(guid)s, %(pseudonym_guid)s) END,
    reason = ''
WHERE position(%(guid)s IN subject) > 0 OR position(%(guid)s IN value) > 0 OR position(%(guid)s IN reason) > 0

-- name: anonymize_hidden
UPDATE hidden_players SET player_guid = %(pseudonym_guid)s WHERE player_guid = %(guid)s

-- name: anonymize_player_rows
-- The weapons follow by their foreign key.
UPDATE player_comprehensive_stats
SET player_guid = %(pseudonym_guid)s, player_name = %(pseudonym)s, clean_name = %(pseudonym)s
WHERE player_guid = %(guid)s

-- name: add_pseudonym_alias
-- As the trigger on new rows would have counted it.
INSERT INTO player_aliases (guid, alias, times_seen, first_seen, last_seen)
SELECT p.player_guid, p.clean_name, count(*), min(r.ended_at), max(r.ended_at)
FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
WHERE p.player_guid = %(pseudonym_guid)s
GROUP BY p.player_guid, p.clean_name
