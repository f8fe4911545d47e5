INSERT INTO server_looks AS l (server_id, asked_at, people, people_since)
VALUES (%(server_id)s, %(at)s, %(people)s, CASE WHEN %(playing)s THEN %(at)s END)
ON CONFLICT (server_id) DO UPDATE
SET asked_at = excluded.asked_at,
    people = excluded.people,
    people_since = CASE WHEN NOT %(playing)s THEN NULL
                        WHEN l.asked_at >= %(at)s - make_interval(secs => %(gap_seconds)s)
                            THEN coalesce(l.people_since, %(at)s)
                        ELSE %(at)s END;
