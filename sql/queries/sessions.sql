-- Gaming sessions and their teams, as an import reads and writes them.

-- name: add_sessions
INSERT INTO sessions (id, server_id) OVERRIDING SYSTEM VALUE SELECT unnest(%(ids)s::bigint[]), %(server_id)s

-- name: drop_sessions
DELETE FROM sessions WHERE id = ANY(%(ids)s)

-- name: drop_empty_sessions
DELETE FROM sessions s
WHERE NOT EXISTS (SELECT FROM rounds r WHERE r.server_id = s.server_id AND r.gaming_session_id = s.id)

-- name: teams_of_sessions
SELECT session_id, player_guid, team FROM session_teams WHERE session_id = ANY(%(session_ids)s)

-- name: teams_of_files
SELECT t.session_id, t.player_guid, t.team
FROM session_teams t
WHERE t.session_id IN (SELECT r.gaming_session_id FROM rounds r WHERE r.file_id = ANY(%(file_ids)s))

-- name: team_members_of_session
SELECT team, array_agg(player_guid) FROM session_teams WHERE session_id = %(session_id)s GROUP BY team

-- name: add_session_teams
INSERT INTO session_teams (session_id, player_guid, team)
SELECT * FROM unnest(%(session_ids)s::bigint[], %(guids)s::text[], %(teams)s::smallint[])

-- name: drop_session_teams
DELETE FROM session_teams WHERE session_id = ANY(%(session_ids)s)

-- name: series_of_sessions
-- The series of sessions, given by id or by files of their rounds. A team without players has no stored name.
SELECT s.gaming_session_id AS session_id, s.id, s.number, s.score1, s.score2,
       coalesce(min(t.name) FILTER (WHERE t.team = 1), 'Team A') AS name1,
       coalesce(min(t.name) FILTER (WHERE t.team = 2), 'Team B') AS name2,
       coalesce(array_agg(t.player_guid ORDER BY t.player_guid COLLATE "C") FILTER (WHERE t.team = 1), '{}') AS players1,
       coalesce(array_agg(t.player_guid ORDER BY t.player_guid COLLATE "C") FILTER (WHERE t.team = 2), '{}') AS players2
FROM series s LEFT JOIN series_teams t ON t.series_id = s.id
WHERE s.gaming_session_id = ANY (%(session_ids)s::bigint[] || ARRAY(
          SELECT r.gaming_session_id FROM rounds r WHERE r.file_id = ANY (%(file_ids)s)))
GROUP BY s.id
ORDER BY s.gaming_session_id, s.number

-- name: naming_rules
-- Identities, display names, hidden players, and what admins corrected of the rounds and series of a server,
-- and the settings of the server.
SELECT 'identity' AS kind, player_guid AS subject, identity_guid AS value, 0 AS team
FROM player_identities WHERE identity_guid <> player_guid
UNION ALL
SELECT 'display_name', player_guid, display_name, 0
FROM player_identities WHERE display_name IS NOT NULL
UNION ALL
SELECT 'hidden', player_guid, '', 0 FROM hidden_persons
UNION ALL
SELECT 'bot_rounds', bot_rounds, '', 0 FROM servers WHERE id = %(server_id)s
UNION ALL
SELECT 'single_rounds', '', '', 0 FROM servers WHERE id = %(server_id)s AND NOT stopwatch
UNION ALL
SELECT 'hidden', pseudonym_guid, '', 0 FROM forgotten_players
UNION ALL
(SELECT DISTINCT ON (c.subject, left(c.value, 1))
        'team_name', substr(c.subject, length(s.name) + 2), substr(c.value, 3), left(c.value, 1)::integer
 FROM corrections c JOIN servers s ON starts_with(c.subject, s.name || '/')
 WHERE s.id = %(server_id)s AND c.kind = 'team_name' AND c.undone_at IS NULL AND c.value ~ '^[12] .'
 ORDER BY c.subject, left(c.value, 1), c.id DESC)
UNION ALL
SELECT 'voided', substr(c.subject, length(s.name) + 2), '', 0
FROM (SELECT DISTINCT ON (subject) subject, kind FROM corrections
      WHERE kind IN ('void', 'unvoid') AND undone_at IS NULL
      ORDER BY subject, id DESC) c
JOIN servers s ON s.id = %(server_id)s AND starts_with(c.subject, s.name || '/')
WHERE c.kind = 'void'
UNION ALL
SELECT 'excluded_map', c.subject, '', 0
FROM (SELECT DISTINCT ON (subject) subject, kind FROM corrections
      WHERE kind IN ('exclude_map', 'include_map') AND undone_at IS NULL
      ORDER BY subject, id DESC) c
WHERE c.kind = 'exclude_map'

-- name: store_series
INSERT INTO series (id, gaming_session_id, number, score1, score2) OVERRIDING SYSTEM VALUE
SELECT * FROM unnest(%(ids)s::bigint[], %(session_ids)s::bigint[], %(numbers)s::smallint[], %(scores1)s::smallint[],
                     %(scores2)s::smallint[])
ON CONFLICT (id) DO UPDATE
SET gaming_session_id = excluded.gaming_session_id, number = excluded.number,
    score1 = excluded.score1, score2 = excluded.score2

-- name: drop_series_teams
DELETE FROM series_teams WHERE series_id = ANY (%(series_ids)s)

-- name: add_series_teams
INSERT INTO series_teams (series_id, team, name, player_guid)
SELECT * FROM unnest(%(series_ids)s::bigint[], %(teams)s::smallint[], %(names)s::text[], %(guids)s::text[])

-- name: drop_series_after
DELETE FROM series s
USING unnest(%(session_ids)s::bigint[], %(counts)s::integer[]) AS n (session_id, count)
WHERE s.gaming_session_id = n.session_id AND s.number > n.count

-- name: sessions_of_players
-- The sessions in which one of these GUIDs, or another GUID of the same person, played.
SELECT DISTINCT r.gaming_session_id
FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
WHERE p.player_guid = ANY (guids_of(%(guids)s))

-- name: times_of_sessions
SELECT r.server_id, r.gaming_session_id AS session_id, min(r.ended_at) AS ended_at
FROM rounds r
WHERE r.gaming_session_id = ANY (%(session_ids)s)
GROUP BY r.server_id, r.gaming_session_id

-- name: mark_sessions_changed
INSERT INTO changed_sessions AS c (session_id)
SELECT DISTINCT session_id FROM unnest(%(session_ids)s::bigint[]) AS n (session_id) ORDER BY session_id
ON CONFLICT (session_id) DO UPDATE SET changes = c.changes + 1
