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

-- name: add_session_teams
INSERT INTO session_teams (session_id, player_guid, team)
SELECT * FROM unnest(%(session_ids)s::bigint[], %(guids)s::text[], %(teams)s::smallint[])

-- name: drop_session_teams
DELETE FROM session_teams WHERE session_id = ANY(%(session_ids)s)
