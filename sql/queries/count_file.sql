-- The earliest name counts: it is nobody's duplicate.
UPDATE processed_files SET duplicate_of = NULL WHERE id = %(id)s
