-- Shown no more; the bytes stay, and other content under the same name counts as new.
UPDATE processed_files SET discarded_at = now()
WHERE id = ANY(%(ids)s) AND (NOT success OR rejected_hash IS NOT NULL)
