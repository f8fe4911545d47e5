-- Let a file be judged again although nothing changed: a version that waits is known by its hash.
UPDATE processed_files
SET discarded_at = NULL, rejected_hash = CASE WHEN rejected_hash IS NOT NULL THEN repeat('0', 64) END
WHERE id = ANY(%(ids)s)
