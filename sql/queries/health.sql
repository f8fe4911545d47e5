-- Facts for health checks and metrics.

-- name: health_facts
-- Only the first import reads a table, and the two counts an index; the rest reads a few rows.
SELECT now() AS at,
       pg_database_size(current_database()) AS size_bytes,
       (SELECT min(processed_at) FROM processed_files) AS first_import,
       (SELECT processed_at FROM processed_files ORDER BY id DESC LIMIT 1) AS last_import,
       (SELECT max(ended_at) FROM rounds) AS last_round,
       (SELECT count(*) FROM rounds) AS rounds,
       (SELECT count(*) FROM processed_files WHERE success AND duplicate_of IS NULL) AS counting_files,
       (SELECT count(*) FROM processed_files
        WHERE (NOT success OR rejected_hash IS NOT NULL) AND discarded_at IS NULL) AS quarantined,
       (SELECT count(*) FROM processed_files
        WHERE (NOT success OR rejected_hash IS NOT NULL) AND discarded_at IS NULL
          AND greatest(coalesce(rejected_at, processed_at), processed_at) > now() - interval '7 days'
          -- The name begins with the date: an old file that arrives late does not raise an alarm.
          AND filename > to_char(now() - interval '8 days', 'YYYY-MM-DD'))
           AS newly_quarantined,
       (SELECT coalesce(sum(octet_length(CASE WHEN success THEN rejected_content ELSE content END)), 0)
        FROM processed_files WHERE NOT success OR rejected_hash IS NOT NULL)::bigint AS quarantine_bytes,
       (SELECT sent_at FROM posts WHERE state = 'sent' ORDER BY id DESC LIMIT 1) AS last_post,
       (SELECT min(since) FROM post_watermarks) AS posting_since,
       (SELECT count(*) FROM posts WHERE state = 'unknown')
           + (SELECT count(*) FROM notices WHERE state = 'unknown') AS posts_unknown,
       (SELECT count(*) FROM posts WHERE state = 'failed')
           + (SELECT count(*) FROM notices WHERE state = 'failed') AS posts_failed,
       (SELECT count(*) FROM posts WHERE state IN ('pending', 'sending'))
           + (SELECT count(*) FROM notices WHERE state IN ('pending', 'sending')) AS posts_open,
       (SELECT count(*) FROM posts
        WHERE state IN ('pending', 'sending')
          AND NOT created_at BETWEEN now() - interval '1 hour' AND now() + interval '1 day') AS posts_late,
       (SELECT count(*) FROM channel_states WHERE gone_at IS NOT NULL AND purpose = 'post') AS channels_gone,
       (SELECT count(*) FROM channel_states
        WHERE gone_at IS NULL AND troubles > 0 AND held_until BETWEEN now() AND now() + interval '1 day')
           AS channels_held,
       -- Times of the local clock after tomorrow: a machine's clock was wrong when they were stored.
       ARRAY(SELECT what FROM (
           SELECT 'a pause of posting', held_until FROM channel_states
           UNION ALL SELECT 'the start of posting', since FROM post_watermarks
           UNION ALL SELECT 'the last poll of a server', greatest(polled_at, new_file_at) FROM server_status
           UNION ALL SELECT 'the last query of a game', greatest(queried_at, people_since) FROM server_status
           UNION ALL SELECT 'the time of the last import',
                            (SELECT processed_at FROM processed_files ORDER BY id DESC LIMIT 1)
       ) AS moments (what, moment) WHERE moment > now() + interval '1 day' GROUP BY what ORDER BY what) AS wrong_times,
       -- Files of this week with names from the future; the two days are for time zones.
       ARRAY(SELECT f.filename FROM servers s JOIN processed_files f ON f.server_id = s.id
             WHERE f.success AND f.filename > to_char(now() + interval '2 days', 'YYYY-MM-DD')
               AND f.processed_at > now() - interval '7 days'
             ORDER BY f.filename LIMIT 100) AS future_files

-- name: newest_contents
-- The newest files of each server that were imported this week, with their content.
SELECT s.name AS server, f.filename, f.content
FROM servers s
CROSS JOIN LATERAL (
    SELECT filename, content FROM processed_files
    WHERE server_id = s.id AND success AND duplicate_of IS NULL AND processed_at > now() - interval '7 days'
    ORDER BY filename DESC LIMIT 20) f
ORDER BY s.name, f.filename DESC

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
