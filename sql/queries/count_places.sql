-- A bad version that waits beside a good one is no file more.
SELECT count(*) AS processed,
       count(*) FILTER (WHERE success AND duplicate_of IS NULL) AS good,
       count(*) FILTER (WHERE duplicate_of IS NOT NULL) AS duplicates,
       count(*) FILTER (WHERE NOT success AND discarded_at IS NULL) AS in_quarantine,
       (SELECT count(*) FROM rounds r WHERE r.server_id = %(server_id)s) AS rounds
FROM processed_files
WHERE server_id = %(server_id)s
