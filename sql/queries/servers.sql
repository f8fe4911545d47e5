-- Game servers: names, listing state and status.

-- name: add_server
INSERT INTO servers (name, timezone) VALUES (%(name)s, %(timezone)s)
ON CONFLICT (name) DO UPDATE SET timezone = coalesce(excluded.timezone, servers.timezone) RETURNING id

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
SELECT s.name AS server, l.polled_at, l.new_file_at, l.missed, l.missed_since, l.queried_at, l.people, l.people_since
FROM servers s JOIN server_status l ON l.server_id = s.id
ORDER BY s.name

-- name: record_poll
INSERT INTO server_status AS l (server_id, polled_at, new_file_at, missed, missed_since)
VALUES (%(server_id)s, %(at)s, CASE WHEN %(arrived)s > 0 THEN %(at)s END, %(missed)s,
        CASE WHEN %(missed)s > 0 THEN %(at)s END)
ON CONFLICT (server_id) DO UPDATE
SET polled_at = excluded.polled_at,
    new_file_at = coalesce(excluded.new_file_at, l.new_file_at),
    missed = excluded.missed,
    missed_since = CASE WHEN excluded.missed > 0 THEN coalesce(l.missed_since, excluded.missed_since) END

-- name: record_player_count
INSERT INTO server_status AS l (server_id, queried_at, people, people_since)
VALUES (%(server_id)s, %(at)s, %(people)s, CASE WHEN %(playing)s THEN %(at)s END)
ON CONFLICT (server_id) DO UPDATE
SET queried_at = excluded.queried_at,
    people = excluded.people,
    people_since = CASE WHEN NOT %(playing)s THEN NULL
                        WHEN l.queried_at >= %(at)s - make_interval(secs => %(gap_seconds)s)
                            THEN coalesce(l.people_since, %(at)s)
                        ELSE %(at)s END
