-- Files that were read again: whole or not, and whose duplicate they are.
UPDATE processed_files f
SET success = n.reason IS NULL, error_message = n.reason, error_line = n.line, duplicate_of = n.duplicate_of,
    discarded_at = CASE WHEN n.reason IS NULL THEN NULL ELSE f.discarded_at END, processed_at = now()
FROM unnest(%(ids)s::bigint[], %(reasons)s::text[], %(lines)s::integer[], %(duplicates)s::bigint[])
     AS n (id, reason, line, duplicate_of)
WHERE f.id = n.id
