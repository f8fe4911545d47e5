-- Game servers: names, listing state and status.

-- name: add_server
INSERT INTO servers (name, timezone) VALUES (%(name)s, %(timezone)s)
ON CONFLICT (name) DO UPDATE SET timezone = coalesce(excluded.timezone, servers.timezone) RETURNING id

-- name: store_server_settings
-- Store the settings of servers that have rows; servers without settings keep their values.
UPDATE servers s SET timezone = n.timezone, stopwatch = n.stopwatch
FROM unnest(%(names)s::text[], %(timezones)s::text[], %(stopwatches)s::boolean[]) AS n (name, timezone, stopwatch)
WHERE s.name = n.name AND (s.timezone, s.stopwatch) IS DISTINCT FROM (n.timezone, n.stopwatch)

-- name: store_bot_settings
-- Where they change, ratings follow from the first round with bots on.
WITH changed AS (
    UPDATE servers SET bot_rounds = %(rounds)s, bot_records = %(records)s
    WHERE (bot_rounds, bot_records) IS DISTINCT FROM (%(rounds)s, %(records)s)
    RETURNING id
)
INSERT INTO unrated_matches
SELECT r.server_id, r.match_id, r.ended_at FROM rounds r
WHERE r.bots > 0 AND r.server_id IN (SELECT id FROM changed)
ORDER BY r.ended_at LIMIT 1

-- name: servers_without_round1
-- Stopwatch servers whose last rounds, up to six and at least two, are round 2s without a round 1.
SELECT s.name, l.rounds
FROM servers s
CROSS JOIN LATERAL (
    SELECT count(*) AS rounds, bool_and(n.round_number = 2 AND n.round1_id IS NULL) AS are_alone
    FROM (SELECT r.round_number, r.round1_id FROM rounds r WHERE r.server_id = s.id
          ORDER BY r.ended_at DESC LIMIT 6) n) l
WHERE s.stopwatch AND l.rounds >= 2 AND l.are_alone
ORDER BY s.name

-- name: server_id
SELECT id, timezone FROM servers WHERE name = %(name)s

-- name: server_timezones
SELECT name, timezone FROM servers WHERE timezone IS NOT NULL

-- name: servers
SELECT id, name FROM servers ORDER BY name COLLATE "C"

-- name: listing_state
SELECT folder_mtime, first_seen, listed, recent FROM listing_states
WHERE server_id = %(server_id)s AND source = %(source)s

-- name: save_listing_state
INSERT INTO listing_states (server_id, source, folder_mtime, first_seen, listed, recent)
VALUES (%(server_id)s, %(source)s, %(folder_mtime)s, %(first_seen)s, %(listed)s, %(recent)s)
ON CONFLICT (server_id) DO UPDATE
SET source = excluded.source, folder_mtime = excluded.folder_mtime, first_seen = excluded.first_seen,
    listed = excluded.listed, recent = excluded.recent

-- name: drop_listing_state
DELETE FROM listing_states WHERE server_id = %(server_id)s

-- name: server_status
SELECT s.name AS server, l.polled_at, l.new_file_at, l.missed, l.missed_since, l.queried_at, l.people, l.people_since,
       l.refused_names, l.misdated_names, l.failure, l.failed_since, l.is_refused
FROM servers s JOIN server_status l ON l.server_id = s.id
ORDER BY s.name

-- name: record_poll
INSERT INTO server_status AS l (server_id, polled_at, new_file_at, missed, missed_since, refused_names,
                                misdated_names)
VALUES (%(server_id)s, %(at)s, CASE WHEN %(arrived)s > 0 THEN %(at)s END, %(missed)s,
        CASE WHEN %(missed)s > 0 THEN %(at)s END, coalesce(%(refused_names)s::text[], '{}'),
        coalesce(%(misdated_names)s::text[], '{}'))
ON CONFLICT (server_id) DO UPDATE
SET polled_at = excluded.polled_at,
    -- A time in the future was stored while a machine's clock was wrong.
    new_file_at = coalesce(excluded.new_file_at, least(l.new_file_at, %(at)s)),
    missed = excluded.missed,
    refused_names = coalesce(%(refused_names)s::text[], l.refused_names),
    misdated_names = coalesce(%(misdated_names)s::text[], l.misdated_names),
    missed_since = CASE WHEN excluded.missed > 0 THEN least(l.missed_since, excluded.missed_since) END

-- name: record_connection
-- A server is connected (`failure` NULL), or cannot be polled.
INSERT INTO server_status AS l (server_id, polled_at, failure, failed_since, is_refused)
VALUES (%(server_id)s, CASE WHEN %(failure)s::text IS NULL THEN %(at)s::timestamptz END, %(failure)s,
        CASE WHEN %(failure)s::text IS NOT NULL THEN %(at)s::timestamptz END, %(is_refused)s)
ON CONFLICT (server_id) DO UPDATE
SET polled_at = coalesce(excluded.polled_at, l.polled_at),
    failure = excluded.failure,
    failed_since = CASE WHEN excluded.failure IS NOT NULL THEN least(l.failed_since, excluded.failed_since) END,
    is_refused = excluded.is_refused

-- name: record_player_count
INSERT INTO server_status AS l (server_id, queried_at, people, people_since)
VALUES (%(server_id)s, %(at)s, %(people)s, CASE WHEN %(playing)s THEN %(at)s END)
ON CONFLICT (server_id) DO UPDATE
SET queried_at = excluded.queried_at,
    people = excluded.people,
    people_since = CASE WHEN NOT %(playing)s THEN NULL
                        WHEN l.queried_at BETWEEN %(at)s - make_interval(secs => %(gap_seconds)s)
                                              AND %(at)s + interval '1 minute'
                            THEN least(l.people_since, %(at)s)
                        ELSE %(at)s END

-- name: count_server_files
SELECT count(*) FROM processed_files WHERE server_id = %(server_id)s

-- name: servers_with_content
-- The other servers that have good files with this content, with the number of files, most first.
SELECT s.name, count(DISTINCT f.source_hash)
FROM servers s
CROSS JOIN LATERAL (
    SELECT source_hash FROM processed_files
    WHERE server_id = s.id AND source_hash = ANY(%(hashes)s) AND success OFFSET 0) f
WHERE s.name <> %(name)s
GROUP BY s.name
ORDER BY count(DISTINCT f.source_hash) DESC, s.name

-- name: drop_server_state
-- Everything that is stored for a server without files.
WITH watermarks AS (
    DELETE FROM post_watermarks WHERE server_id = %(server_id)s
), status AS (
    DELETE FROM server_status WHERE server_id = %(server_id)s
), counts AS (
    DELETE FROM file_counts WHERE server_id = %(server_id)s
), live AS (
    DELETE FROM notices WHERE server_id = %(server_id)s
)
DELETE FROM listing_states WHERE server_id = %(server_id)s

-- name: drop_server
DELETE FROM servers WHERE id = %(server_id)s

-- name: rename_server
UPDATE servers SET name = %(new)s WHERE name = %(old)s

-- name: rename_server_in_corrections
-- Subjects that name a file begin with the server: `SERVER/FILE`.
UPDATE corrections
SET subject = %(new)s || substr(subject, length(%(old)s) + 1)
WHERE regexp_replace(subject, '/[^/]*$', '') = %(old)s AND subject <> %(old)s
