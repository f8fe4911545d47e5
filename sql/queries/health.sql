-- Facts for health checks and metrics.

-- name: health_facts
-- Only the two counts read more than a few rows; each reads one index.
SELECT now() AS at,
       pg_database_size(current_database()) AS size_bytes,
       (SELECT processed_at FROM processed_files ORDER BY id LIMIT 1) AS first_import,
       (SELECT processed_at FROM processed_files ORDER BY id DESC LIMIT 1) AS last_import,
       (SELECT max(ended_at) FROM rounds) AS last_round,
       (SELECT count(*) FROM rounds) AS rounds,
       (SELECT count(*) FROM processed_files WHERE success AND duplicate_of IS NULL) AS counting_files,
       (SELECT count(*) FROM processed_files
        WHERE (NOT success OR rejected_hash IS NOT NULL) AND discarded_at IS NULL) AS quarantined,
       (SELECT count(*) FROM processed_files
        WHERE (NOT success OR rejected_hash IS NOT NULL) AND discarded_at IS NULL
          AND greatest(coalesce(rejected_at, processed_at), processed_at) > now() - interval '7 days')
           AS newly_quarantined,
       (SELECT coalesce(sum(octet_length(CASE WHEN success THEN rejected_content ELSE content END)), 0)
        FROM processed_files WHERE NOT success OR rejected_hash IS NOT NULL)::bigint AS quarantine_bytes,
       (SELECT sent_at FROM posts WHERE state = 'sent' ORDER BY id DESC LIMIT 1) AS last_post,
       (SELECT count(*) FROM posts WHERE state = 'unknown') AS posts_unknown,
       (SELECT count(*) FROM posts WHERE state = 'failed') AS posts_failed,
       (SELECT count(*) FROM posts WHERE state IN ('pending', 'sending')) AS posts_open,
       (SELECT count(*) FROM posts
        WHERE state IN ('pending', 'sending') AND created_at < now() - interval '1 hour') AS posts_late,
       (SELECT count(*) FROM post_channels WHERE gone_at IS NOT NULL) AS channels_gone

-- name: recent_imports
-- The last files of each server that were imported within a day of being written: when the source wrote them, when
-- they were processed, and the end of the round.
SELECT s.name AS server, to_timestamp(f.source_mtime) AS written_at, f.processed_at, r.ended_at
FROM servers s
CROSS JOIN LATERAL (
    SELECT id, source_mtime, processed_at FROM processed_files
    WHERE server_id = s.id AND success AND source_mtime IS NOT NULL
      AND processed_at - to_timestamp(source_mtime) < interval '1 day'
    ORDER BY id DESC LIMIT 20
) f
JOIN rounds r ON r.file_id = f.id
