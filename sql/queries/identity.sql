-- Discord links (also those in the database of a Discord bot), hidden players, anonymization.

-- name: link_player
INSERT INTO player_links (discord_user_id, player_guid, wants_mention)
VALUES (%(discord_user_id)s, %(guid)s, %(wants_mention)s)
ON CONFLICT (player_guid) DO UPDATE SET wants_mention = excluded.wants_mention

-- name: unlink_others
-- A person has one account and an account has one person.
DELETE FROM player_links
WHERE (player_guid = ANY (guids_of(ARRAY[%(guid)s])) OR discord_user_id = %(discord_user_id)s)
  AND NOT (player_guid = %(guid)s AND discord_user_id = %(discord_user_id)s)

-- name: unlink_player
DELETE FROM player_links WHERE player_guid = ANY (guids_of(ARRAY[%(guid)s]))

-- name: linked_player
SELECT person_of(player_guid) FROM player_links WHERE discord_user_id = %(discord_user_id)s

-- name: links
-- All links, by the players' present names.
SELECT l.discord_user_id::text, p.guid AS player_guid, coalesce(n.clean_name, p.guid) AS clean_name, l.wants_mention,
       l.linked_at
FROM player_links l
CROSS JOIN LATERAL person_of(l.player_guid) AS p (guid)
LEFT JOIN LATERAL names_of(p.guid) n ON true
ORDER BY lower(coalesce(n.clean_name, p.guid)), p.guid, l.linked_at

-- name: mentions
-- The accounts of the persons who asked to be mentioned and are not hidden. Of several accounts of a merged player the
-- one that was linked to the GUID that stands for the person comes last.
SELECT person_of(l.player_guid), l.discord_user_id::text FROM player_links l
WHERE l.wants_mention AND person_of(l.player_guid) = ANY (%(guids)s)
  AND NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = l.player_guid)
ORDER BY l.player_guid = ANY (%(guids)s), l.linked_at DESC

-- name: hide_player
-- Every GUID of the person, so that a later split shows none of them.
INSERT INTO hidden_players (player_guid) SELECT unnest(guids_of(ARRAY[%(guid)s])) ON CONFLICT DO NOTHING

-- name: unhide_player
DELETE FROM hidden_players WHERE player_guid = ANY (guids_of(ARRAY[%(guid)s]))

-- name: hidden_players
-- All hidden persons with their present names.
SELECT p.guid AS player_guid, coalesce(n.clean_name, p.guid) AS clean_name, min(h.hidden_at) AS hidden_at
FROM hidden_players h
CROSS JOIN LATERAL person_of(h.player_guid) AS p (guid)
LEFT JOIN LATERAL names_of(p.guid) n ON true
GROUP BY p.guid, n.clean_name
ORDER BY min(h.hidden_at), p.guid

-- name: touch_rounds_of_player
-- What is shown of these rounds has changed: their posts are compared again.
UPDATE rounds SET stored_at = now()
WHERE id IN (SELECT round_id FROM player_comprehensive_stats WHERE player_guid = ANY (guids_of(ARRAY[%(guid)s])))

-- name: anonymization_key
SELECT key FROM forgetting_key

-- name: add_anonymization_key
INSERT INTO forgetting_key (key) VALUES (%(key)s) ON CONFLICT DO NOTHING

-- name: names_to_show
-- Names without GUIDs: not those that a hidden player used, and once somebody was forgotten only known ones.
SELECT n.name
FROM unnest(%(names)s::text[]) AS n (name)
LEFT JOIN LATERAL (
    SELECT bool_or(EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = person_of(a.guid))) AS is_hidden
    FROM player_aliases a WHERE lower(a.alias) = lower(n.name)
) k ON true
WHERE NOT coalesce(k.is_hidden, EXISTS (SELECT FROM forgotten_players))

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

-- name: anonymize_ratings
UPDATE player_ratings SET identity_guid = %(pseudonym_guid)s WHERE identity_guid = %(guid)s

-- name: drop_names_of_player
-- Display names of the player, team names that hold one of the player's names, and reasons that do.
WITH names AS (
    SELECT lower(alias) AS name FROM player_aliases WHERE guid = %(guid)s AND length(alias) > 2
    UNION SELECT lower(value) FROM corrections WHERE kind = 'rename' AND subject = %(guid)s AND length(value) > 2
), cleared AS (
    UPDATE corrections c SET reason = ''
    WHERE NOT (c.kind = 'rename' AND c.subject = %(guid)s)
      AND NOT (c.kind = 'team_name' AND EXISTS (SELECT FROM names n WHERE position(n.name IN lower(c.value)) > 0))
      AND EXISTS (SELECT FROM names n WHERE position(n.name IN lower(c.reason)) > 0)
)
DELETE FROM corrections c
WHERE (c.kind = 'rename' AND c.subject = %(guid)s)
   OR (c.kind = 'team_name' AND EXISTS (SELECT FROM names n WHERE position(n.name IN lower(c.value)) > 0))

-- name: anonymize_corrections
-- A correction stays in force for the pseudonym; the reason, which may name the player, goes.
UPDATE corrections
SET subject = replace(subject, %(guid)s, %(pseudonym_guid)s), value = replace(value, %(guid)s, %(pseudonym_guid)s),
    reason = ''
WHERE position(%(guid)s IN subject) > 0 OR position(%(guid)s IN value) > 0 OR position(%(guid)s IN reason) > 0

-- name: guids_of_person
SELECT unnest(guids_of(ARRAY[person_of(%(guid)s)]))

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

-- name: bot_links
-- Rows of a bot's tables as documents: their columns differ from one bot to another.
SELECT to_jsonb(t) FROM public.player_links t

-- name: bot_aliases
SELECT to_jsonb(t) FROM public.player_aliases t

-- name: bot_teams
SELECT to_jsonb(t) FROM public.session_teams t
