-- Corrections, and the identities that follow from them.

-- name: corrections
SELECT id, made_at, kind, subject, value, reason, undone_at FROM corrections ORDER BY id

-- name: add_correction
WITH added AS (
    INSERT INTO corrections (id, made_at, kind, subject, value, reason) OVERRIDING SYSTEM VALUE
    VALUES (%(id)s, %(made_at)s, %(kind)s, %(subject)s, %(value)s, %(reason)s)
    RETURNING id
)
SELECT setval(pg_get_serial_sequence('corrections', 'id'), id) FROM added

-- name: undo_correction
UPDATE corrections SET undone_at = greatest(made_at, now()) WHERE id = %(id)s AND undone_at IS NULL

-- name: identities
SELECT player_guid, identity_guid, display_name FROM player_identities ORDER BY player_guid COLLATE "C"

-- name: store_identities
-- Make the table hold exactly these rows.
WITH wanted AS (
    SELECT * FROM unnest(%(guids)s::text[], %(persons)s::text[], %(names)s::text[]) AS w (player_guid, identity_guid, display_name)
), gone AS (
    DELETE FROM player_identities i WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.player_guid = i.player_guid)
)
INSERT INTO player_identities AS i (player_guid, identity_guid, display_name)
SELECT player_guid, identity_guid, display_name FROM wanted
ON CONFLICT (player_guid) DO UPDATE SET identity_guid = excluded.identity_guid, display_name = excluded.display_name
WHERE (i.identity_guid, i.display_name) IS DISTINCT FROM (excluded.identity_guid, excluded.display_name)

-- name: derived_conflicts
-- The rounds in which several GUIDs of one person play, as the stored identities say.
SELECT p.round_id, p.player_guid
FROM player_identities i
JOIN player_comprehensive_stats p ON p.player_guid = i.player_guid
WHERE EXISTS (SELECT FROM player_identities o
              JOIN player_comprehensive_stats q ON q.round_id = p.round_id AND q.player_guid = o.player_guid
              WHERE o.identity_guid = i.identity_guid AND o.player_guid <> i.player_guid)
ORDER BY p.round_id, p.player_guid COLLATE "C"

-- name: conflicts
SELECT round_id, player_guid FROM identity_conflicts ORDER BY round_id, player_guid COLLATE "C"

-- name: drop_conflicts
DELETE FROM identity_conflicts
WHERE (round_id, player_guid) IN (SELECT * FROM unnest(%(round_ids)s::bigint[], %(guids)s::text[]))

-- name: add_conflicts
INSERT INTO identity_conflicts (round_id, player_guid)
SELECT * FROM unnest(%(round_ids)s::bigint[], %(guids)s::text[])

-- name: touch_rounds_of_guids
-- What is shown of these rounds has changed: their posts are compared again.
UPDATE rounds SET stored_at = now()
WHERE id IN (SELECT round_id FROM player_comprehensive_stats WHERE player_guid = ANY (%(guids)s))
RETURNING id, gaming_session_id

-- name: touch_series
UPDATE rounds SET stored_at = now()
WHERE series_id = (SELECT r.series_id FROM rounds r
                   JOIN servers s ON s.id = r.server_id JOIN processed_files f ON f.id = r.file_id
                   WHERE s.name || '/' || f.filename = %(subject)s)
RETURNING id, gaming_session_id

-- name: series_named
-- The series of a session with their first round as corrections name it, and the names of both teams.
SELECT DISTINCT ON (e.number) e.number, v.name || '/' || f.filename AS subject,
       coalesce((SELECT min(t.name) FROM series_teams t WHERE t.series_id = e.id AND t.team = 1), 'Team A') AS name1,
       coalesce((SELECT min(t.name) FROM series_teams t WHERE t.series_id = e.id AND t.team = 2), 'Team B') AS name2
FROM series e
JOIN rounds r ON r.series_id = e.id
JOIN servers v ON v.id = r.server_id
JOIN processed_files f ON f.id = r.file_id
WHERE e.gaming_session_id = %(session_id)s
ORDER BY e.number, r.ended_at, f.filename COLLATE "C"

-- name: played_conflicts
-- The rounds among these that count and in which several GUIDs of one person have time played, earliest first.
SELECT c.round_id, f.filename, array_agg(p.player_guid ORDER BY p.player_guid) AS guids,
       array_agg(p.clean_name ORDER BY p.player_guid) AS names
FROM identity_conflicts c
JOIN player_comprehensive_stats p ON p.round_id = c.round_id AND p.player_guid = c.player_guid
JOIN rounds r ON r.id = c.round_id
JOIN processed_files f ON f.id = r.file_id
WHERE c.round_id = ANY (%(round_ids)s) AND NOT r.is_voided AND p.time_played_seconds > 0
GROUP BY r.ended_at, c.round_id, f.filename, person_of(c.player_guid)
HAVING count(*) > 1
ORDER BY r.ended_at, c.round_id

-- name: void_rounds
-- Mark the rounds that corrections leave out; returns those that changed.
UPDATE rounds r SET is_voided = n.is_voided, stored_at = now()
FROM (SELECT x.id, x.map_name = ANY (%(maps)s::text[]) OR s.name || '/' || f.filename = ANY (%(rounds)s::text[]) AS is_voided
      FROM rounds x JOIN servers s ON s.id = x.server_id JOIN processed_files f ON f.id = x.file_id) n
WHERE r.id = n.id AND r.is_voided <> n.is_voided
RETURNING r.id, r.gaming_session_id

-- name: recorded_names
SELECT DISTINCT ON (guid) guid, alias FROM player_aliases
WHERE guid = ANY (%(guids)s)
ORDER BY guid, last_seen DESC, times_seen DESC, alias

-- name: leave_old_messages
-- Messages about these sessions agreed with the database before: compare them again only where the session goes on
-- into the last 7 days before the newest round.
UPDATE changed_sessions c SET checked = c.changes
WHERE c.session_id = ANY (%(session_ids)s)
  AND NOT EXISTS (SELECT FROM rounds r
                  WHERE r.gaming_session_id = c.session_id
                    AND r.ended_at >= least(now(), (SELECT max(n.ended_at) FROM rounds n)) - interval '7 days')

-- name: servers_of_rounds
SELECT r.id, s.name FROM rounds r JOIN servers s ON s.id = r.server_id WHERE r.id = ANY (%(round_ids)s) ORDER BY r.id

-- name: subject_of_round
-- A round as corrections name it.
SELECT s.name || '/' || f.filename
FROM rounds r JOIN servers s ON s.id = r.server_id JOIN processed_files f ON f.id = r.file_id
WHERE r.id = %(round_id)s
