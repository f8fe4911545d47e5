-- A count that is as it was lengthens its stretch, once an hour at most; another value begins a new one.
WITH seen AS (
    SELECT * FROM unnest(%(names)s::text[], %(counts)s::integer[]) AS s (what, count)
), last AS (
    SELECT s.what, s.count, (
        SELECT c.first_seen FROM file_counts c
        WHERE c.server_id = %(server_id)s AND c.what = s.what ORDER BY c.first_seen DESC LIMIT 1) AS first_seen
    FROM seen s
), same AS (
    SELECT l.what, c.first_seen, c.last_seen
    FROM last l JOIN file_counts c
        ON c.server_id = %(server_id)s AND c.what = l.what AND c.first_seen = l.first_seen AND c.count = l.count
), lengthened AS (
    UPDATE file_counts c SET last_seen = %(at)s
    FROM same s
    WHERE c.server_id = %(server_id)s AND c.what = s.what AND c.first_seen = s.first_seen
      AND c.last_seen < %(at)s::timestamptz - interval '1 hour'
)
INSERT INTO file_counts (server_id, what, count, first_seen, last_seen)
SELECT %(server_id)s, l.what, l.count, %(at)s, %(at)s
FROM last l
WHERE l.what NOT IN (SELECT what FROM same)
ON CONFLICT (server_id, what, first_seen) DO UPDATE SET count = excluded.count
