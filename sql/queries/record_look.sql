INSERT INTO server_looks AS l (server_id, looked_at, new_file_at, missed, missed_since)
VALUES (%(server_id)s, %(at)s, CASE WHEN %(arrived)s > 0 THEN %(at)s END, %(missed)s,
        CASE WHEN %(missed)s > 0 THEN %(at)s END)
ON CONFLICT (server_id) DO UPDATE
SET looked_at = excluded.looked_at,
    new_file_at = coalesce(excluded.new_file_at, l.new_file_at),
    missed = excluded.missed,
    missed_since = CASE WHEN excluded.missed > 0 THEN coalesce(l.missed_since, excluded.missed_since) END;
