-- A backlog becomes one digest: its rounds and maps are told by it, and so are the evenings before the last one.
WITH taken AS (
    DELETE FROM posts
    WHERE server_id = %(server_id)s AND state = 'pending' AND kind IN ('round', 'map', 'session')
      AND (kind, subject) IN (SELECT * FROM unnest(%(kinds)s::text[], %(subjects)s::bigint[]))
), moved AS (
    UPDATE post_watermarks
    SET since = greatest(since, CASE WHEN kind = 'session' THEN %(last_evening_at)s::timestamptz
                                     ELSE %(last_at)s::timestamptz + interval '1 microsecond' END)
    WHERE server_id = %(server_id)s
)
INSERT INTO posts (server_id, kind, subject, channel, state, first_at, last_at, created_at)
VALUES (%(server_id)s, 'digest', %(subject)s, %(channel)s, 'pending', %(first_at)s, %(last_at)s, %(now)s)
ON CONFLICT DO NOTHING
