-- Frames for the checks in sql/checks, and comparison with the archive.

-- name: locate_findings
-- The other fields of `Finding`, in their order; follows "WITH found AS (check)".
SELECT s.name AS server, f.filename, r.id AS round_id, found.player_guid, p.player_name, found.field, found.value,
       found.expected
FROM found
LEFT JOIN rounds r ON r.id = found.round_id
LEFT JOIN processed_files f ON f.id = coalesce(found.file_id, r.file_id)
LEFT JOIN servers s ON s.id = f.server_id
LEFT JOIN player_comprehensive_stats p ON p.round_id = r.id AND p.player_guid = found.player_guid
WHERE %(since)s::timestamptz IS NULL OR r.ended_at >= %(since)s OR (r.id IS NULL AND f.processed_at >= %(since)s)
ORDER BY r.ended_at, f.filename COLLATE "C", p.player_guid, found.field

-- name: rows_of_recent_sessions
-- Precedes a check that is limited in time and replaces its tables: the rows of the sessions that continued since
-- then, complete, because some checks need whole sessions. locate_findings drops older findings.
recent AS MATERIALIZED (
    SELECT id, gaming_session_id FROM rounds
    WHERE gaming_session_id IN (SELECT gaming_session_id FROM rounds WHERE ended_at >= %(since)s)
), session_teams AS NOT MATERIALIZED (
    SELECT t.* FROM session_teams t WHERE t.session_id IN (SELECT gaming_session_id FROM recent)
), player_comprehensive_stats AS NOT MATERIALIZED (
    SELECT p.* FROM recent JOIN player_comprehensive_stats p ON p.round_id = recent.id
), person_stats AS NOT MATERIALIZED (
    SELECT p.* FROM recent JOIN person_stats p ON p.round_id = recent.id
), weapon_comprehensive_stats AS NOT MATERIALIZED (
    SELECT w.* FROM recent JOIN weapon_comprehensive_stats w ON w.round_id = recent.id
),

-- name: count_rounds
SELECT count(*) FROM rounds WHERE %(since)s::timestamptz IS NULL OR ended_at >= %(since)s

-- name: archived_rounds
-- Rounds with the archived files they derive from and the stored counts, in steps.
SELECT r.id AS round_id, s.name AS server, f.filename, f.content, one.filename AS round1_filename,
       one.content AS round1_content, r.is_cumulative, s.stopwatch, p.players, p.kills, p.deaths, w.weapons
FROM rounds r
JOIN processed_files f ON f.id = r.file_id
JOIN servers s ON s.id = r.server_id
LEFT JOIN rounds r1 ON r1.id = r.round1_id
LEFT JOIN processed_files one ON one.id = r1.file_id
CROSS JOIN LATERAL (
    SELECT count(*) AS players, coalesce(sum(x.kills), 0) AS kills, coalesce(sum(x.deaths), 0) AS deaths
    FROM player_comprehensive_stats x WHERE x.round_id = r.id) p
CROSS JOIN LATERAL (
    SELECT count(*) AS weapons FROM weapon_comprehensive_stats x WHERE x.round_id = r.id) w
WHERE r.id > %(after)s AND (%(since)s::timestamptz IS NULL OR r.ended_at >= %(since)s)
ORDER BY r.id
LIMIT %(limit)s

-- name: files_of_round
-- The archived files that a round derives from: its own, and that of its round 1.
SELECT r.round_number, f.filename, f.file_hash, f.content
FROM rounds asked
JOIN rounds r ON r.id = asked.id OR r.id = asked.round1_id
JOIN processed_files f ON f.id = r.file_id
WHERE asked.id = %(round_id)s
ORDER BY r.id <> asked.id

-- name: stored_values
-- All stored values of one player in one round, as text: column, or WEAPON.column.
SELECT n.key, n.value
FROM player_comprehensive_stats p CROSS JOIN LATERAL jsonb_each_text(to_jsonb(p)) n
WHERE p.round_id = %(round_id)s AND p.player_guid = %(guid)s
UNION ALL
SELECT w.weapon_name || '.' || n.key, n.value
FROM weapon_comprehensive_stats w CROSS JOIN LATERAL jsonb_each_text(to_jsonb(w)) n
WHERE w.round_id = %(round_id)s AND w.player_guid = %(guid)s
  AND n.key NOT IN ('round_id', 'player_guid', 'weapon_name')
