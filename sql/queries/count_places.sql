SELECT count(*) FILTER (WHERE success AND duplicate_of IS NULL) AS good,
       count(*) FILTER (WHERE duplicate_of IS NOT NULL) AS duplicates,
       count(*) FILTER (WHERE (NOT success OR rejected_hash IS NOT NULL) AND discarded_at IS NULL) AS quarantined,
       (SELECT count(*) FROM rounds r WHERE r.server_id = %(server_id)s) AS rounds
FROM processed_files
WHERE server_id = %(server_id)s
