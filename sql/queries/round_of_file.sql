-- A round by its file's name, on every server that has one.
SELECT r.id FROM rounds r JOIN processed_files f ON f.id = r.file_id
WHERE f.filename = %(filename)s
ORDER BY r.ended_at DESC, r.id DESC
