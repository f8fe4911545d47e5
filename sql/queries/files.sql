-- Archived files: one row per file name of a server, with its bytes; and the quarantine.

-- name: files_by_name_or_hash
-- The rows of these file names, and the rows with the same content.
SELECT id, filename, source_hash, source_size, source_mtime, success, discarded_at IS NOT NULL AS discarded,
       duplicate_of, rejected_hash
FROM processed_files
WHERE server_id = %(server_id)s AND (filename = ANY(%(filenames)s) OR source_hash = ANY(%(hashes)s))

-- name: duplicates_of_file
SELECT id, filename, source_hash, source_size, source_mtime, success, discarded_at IS NOT NULL AS discarded,
       duplicate_of, rejected_hash
FROM processed_files
WHERE duplicate_of = %(id)s AND success

-- name: store_files
-- Store good files, and files that never were good: new rows, or new versions of the rows with their names.
INSERT INTO processed_files AS f ({file_columns})
OVERRIDING SYSTEM VALUE
SELECT {file_columns} FROM json_populate_recordset(NULL::processed_files, %(files)s)
ON CONFLICT (server_id, filename) DO UPDATE
SET {file_updates}, rejected_hash = NULL, rejected_size = NULL, rejected_content = NULL, rejected_reason = NULL,
    rejected_line = NULL, rejected_at = NULL, rejected_mtime = NULL, discarded_at = NULL,
    -- Bad content that is still the same keeps the time at which it was quarantined.
    processed_at = CASE WHEN NOT excluded.success AND f.source_hash = excluded.source_hash THEN f.processed_at
                        ELSE excluded.processed_at END

-- name: confirm_file
UPDATE processed_files
SET source_mtime = coalesce(%(source_mtime)s, source_mtime), rejected_hash = NULL, rejected_size = NULL,
    rejected_content = NULL, rejected_reason = NULL, rejected_line = NULL, rejected_at = NULL, rejected_mtime = NULL
WHERE id = %(id)s

-- name: mark_canonical
-- The earliest name is canonical: it duplicates no other file.
UPDATE processed_files SET duplicate_of = NULL WHERE id = %(id)s

-- name: mark_duplicates
-- All other good files with this content are duplicates of the canonical one.
UPDATE processed_files SET duplicate_of = %(original)s
WHERE server_id = %(server_id)s AND source_hash = %(source_hash)s AND success AND id <> %(original)s

-- name: file_content
SELECT filename, content, source_mtime AS mtime FROM processed_files WHERE id = %(id)s

-- name: contents_of_files
SELECT id, content FROM processed_files WHERE id = ANY(%(ids)s)

-- name: contents_by_name
-- Archived content by name; of a good file its good version. Without an mtime, the round's end is used.
SELECT f.filename, f.content, coalesce(f.source_mtime, extract(epoch FROM r.ended_at)::bigint, 0) AS mtime
FROM processed_files f LEFT JOIN rounds r ON r.file_id = f.id
WHERE f.server_id = %(server_id)s AND f.filename = ANY(%(filenames)s::text[])
ORDER BY f.filename

-- name: contents_containing
SELECT id, content, rejected_content
FROM processed_files
WHERE position(%(needle)s::bytea IN content) > 0 OR position(%(needle)s::bytea IN rejected_content) > 0
ORDER BY id

-- name: replace_content
UPDATE processed_files
SET content = %(content)s, file_hash = %(file_hash)s, size_bytes = %(size_bytes)s,
    rejected_content = %(rejected_content)s
WHERE id = %(id)s

-- name: files_since
-- The files of a server from a name on, or written at a time (seconds UTC) or later, with the size and mtime that the
-- source last showed, quarantine included.
SELECT filename, coalesce(rejected_size, octet_length(rejected_content), source_size) AS size,
       CASE WHEN rejected_hash IS NULL THEN source_mtime ELSE rejected_mtime END AS mtime,
       NOT success OR rejected_hash IS NOT NULL AS in_quarantine
FROM processed_files
WHERE server_id = %(server_id)s AND (filename >= %(since)s OR source_mtime >= %(since_mtime)s)

-- name: unknown_names
SELECT n.name FROM unnest(%(names)s::text[]) AS n (name)
WHERE NOT EXISTS (SELECT FROM processed_files f WHERE f.server_id = %(server_id)s AND f.filename = n.name)
ORDER BY n.name

-- name: newest_file
-- The name of the newest good file; a name from a server clock that is ahead is ignored.
SELECT max(filename) FROM processed_files
WHERE server_id = %(server_id)s AND success AND filename < %(before)s

-- name: files_near
-- The round files with the nearest names: two before and two after, of each server.
SELECT near.filename
FROM servers AS s
CROSS JOIN LATERAL (
    (SELECT filename FROM processed_files
     WHERE server_id = s.id AND success AND filename < %(filename)s ORDER BY filename DESC LIMIT 2)
    UNION
    (SELECT filename FROM processed_files
     WHERE server_id = s.id AND success AND filename > %(filename)s ORDER BY filename LIMIT 2)
) AS near
GROUP BY near.filename
ORDER BY near.filename

-- name: count_files
SELECT count(*) FROM processed_files

-- name: archive_in_order
-- The files of one server by name, with the result of their import. `session_end` is the last file of the gaming
-- session that the file's round belongs to: a rebuild must handle the whole session at once.
SELECT f.id, f.filename, f.source_mtime, f.success, f.discarded_at IS NOT NULL AS discarded, f.duplicate_of,
       NOT f.success AND f.error_line IS NULL AS refused,
       NOT f.success AND f.source_size > %(max_round_bytes)s AS is_cut,
       CASE WHEN count(*) OVER (PARTITION BY f.source_hash) > 1 THEN f.source_hash END AS shared_hash,
       CASE WHEN r.id IS NOT NULL
            THEN max(f.filename COLLATE "C") OVER (PARTITION BY r.gaming_session_id) END AS session_end
FROM processed_files f
LEFT JOIN rounds r ON r.file_id = f.id
WHERE f.server_id = %(server_id)s
ORDER BY f.filename COLLATE "C"

-- name: update_file_status
-- The status of files that were parsed again: good or bad, and which file they duplicate.
UPDATE processed_files f
SET success = n.reason IS NULL, error_message = n.reason, error_line = n.line, duplicate_of = n.duplicate_of,
    discarded_at = CASE WHEN n.reason IS NULL THEN NULL ELSE f.discarded_at END, processed_at = now()
FROM unnest(%(ids)s::bigint[], %(reasons)s::text[], %(lines)s::integer[], %(duplicates)s::bigint[])
     AS n (id, reason, line, duplicate_of)
WHERE f.id = n.id

-- name: stored_files
-- Every stored file of a server with its status. Size and mtime are those of the rejected version, if there is one.
SELECT f.filename,
       coalesce(f.rejected_size, octet_length(f.rejected_content), f.source_size) AS size,
       CASE WHEN f.rejected_hash IS NULL THEN f.source_mtime ELSE f.rejected_mtime END AS mtime,
       f.size_bytes AS archived_size,
       f.success,
       f.duplicate_of IS NOT NULL AS is_duplicate,
       (NOT f.success OR f.rejected_hash IS NOT NULL) AND f.discarded_at IS NULL AS waits,
       r.id IS NOT NULL AS has_round,
       r.round1_id IS NOT NULL OR two.id IS NOT NULL OR NOT s.stopwatch AS is_paired,
       coalesce(r.is_cumulative, false) AS is_cumulative
FROM processed_files f
JOIN servers s ON s.id = f.server_id
LEFT JOIN rounds r ON r.file_id = f.id
LEFT JOIN rounds two ON two.round1_id = r.id
WHERE f.server_id = %(server_id)s
ORDER BY f.filename

-- name: count_stored_files
-- The rejected version of a good file is not another file.
SELECT count(*) AS processed,
       count(*) FILTER (WHERE success AND duplicate_of IS NULL) AS good,
       count(*) FILTER (WHERE duplicate_of IS NOT NULL) AS duplicates,
       count(*) FILTER (WHERE NOT success AND discarded_at IS NULL) AS in_quarantine,
       (SELECT count(*) FROM rounds r WHERE r.server_id = %(server_id)s) AS rounds
FROM processed_files
WHERE server_id = %(server_id)s

-- name: recorded_counts
SELECT what, count, first_seen, last_seen FROM file_counts
WHERE server_id = %(server_id)s
ORDER BY what, first_seen

-- name: record_counts
-- An unchanged count extends its interval, at most once per hour; another value starts a new interval.
-- Times beyond tomorrow were stored while a machine's clock was wrong.
WITH seen AS (
    SELECT * FROM unnest(%(names)s::text[], %(counts)s::integer[]) AS s (what, count)
), dropped AS (
    DELETE FROM file_counts
    WHERE server_id = %(server_id)s AND first_seen > %(at)s::timestamptz + interval '1 day'
), last AS (
    SELECT s.what, s.count, (
        SELECT c.first_seen FROM file_counts c
        WHERE c.server_id = %(server_id)s AND c.what = s.what
          AND c.first_seen <= %(at)s::timestamptz + interval '1 day'
        ORDER BY c.first_seen DESC LIMIT 1) AS first_seen
    FROM seen s
), same AS (
    SELECT l.what, c.first_seen, c.last_seen
    FROM last l JOIN file_counts c
        ON c.server_id = %(server_id)s AND c.what = l.what AND c.first_seen = l.first_seen AND c.count = l.count
), lengthened AS (
    UPDATE file_counts c SET last_seen = greatest(c.first_seen, %(at)s)
    FROM same s
    WHERE c.server_id = %(server_id)s AND c.what = s.what AND c.first_seen = s.first_seen
      AND NOT c.last_seen BETWEEN %(at)s::timestamptz - interval '1 hour' AND %(at)s::timestamptz + interval '1 day'
)
INSERT INTO file_counts (server_id, what, count, first_seen, last_seen)
SELECT %(server_id)s, l.what, l.count, %(at)s, %(at)s
FROM last l
WHERE l.what NOT IN (SELECT what FROM same)
ON CONFLICT (server_id, what, first_seen) DO UPDATE SET count = excluded.count

-- name: reject_version
-- Store the rejected version of a good file.
UPDATE processed_files
SET rejected_at = CASE WHEN rejected_content = %(content)s THEN rejected_at ELSE now() END,
    rejected_hash = %(source_hash)s, rejected_size = %(source_size)s, rejected_content = %(content)s, rejected_reason = %(reason)s,
    rejected_line = %(line)s, rejected_mtime = %(source_mtime)s, discarded_at = NULL
WHERE server_id = %(server_id)s AND filename = %(filename)s

-- name: quarantined
-- The quarantine: files that never were good, and rejected versions of good files.
SELECT f.id, s.name AS server, f.filename, f.success AS has_good,
       CASE WHEN f.success THEN f.rejected_reason ELSE f.error_message END AS reason,
       CASE WHEN f.success THEN f.rejected_line ELSE f.error_line END AS line,
       CASE WHEN f.success THEN coalesce(f.rejected_size, octet_length(f.rejected_content)) ELSE f.source_size END AS size_bytes,
       CASE WHEN f.success THEN f.rejected_hash ELSE f.source_hash END AS file_hash,
       CASE WHEN f.success THEN f.rejected_at ELSE f.processed_at END AS since,
       f.discarded_at
FROM processed_files f JOIN servers s ON s.id = f.server_id
WHERE (NOT f.success OR f.rejected_hash IS NOT NULL)
  AND (%(with_discarded)s OR f.discarded_at IS NULL)
  AND (%(words)s::text[] IS NULL OR f.filename = ANY(%(words)s) OR f.id::text = ANY(%(words)s))
ORDER BY since, f.filename COLLATE "C"

-- name: quarantined_content
SELECT CASE WHEN success THEN rejected_content ELSE content END AS content,
       CASE WHEN success THEN rejected_mtime ELSE source_mtime END AS source_mtime
FROM processed_files WHERE id = %(id)s

-- name: discard_quarantined
-- Hide entries; the content stays, and other content under the same name counts as new.
UPDATE processed_files SET discarded_at = now()
WHERE id = ANY(%(ids)s) AND (NOT success OR rejected_hash IS NOT NULL)

-- name: reopen_quarantined
-- Let unchanged files be checked again: a rejected version is recognized by its hash.
UPDATE processed_files
SET discarded_at = NULL, rejected_hash = CASE WHEN rejected_hash IS NOT NULL THEN repeat('0', 64) END
WHERE id = ANY(%(ids)s)
