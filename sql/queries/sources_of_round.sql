-- The archived files that a round was derived from: its own, and its round 1's.
SELECT r.round_number, f.filename, f.file_hash, f.content
FROM rounds asked
JOIN rounds r ON r.id = asked.id OR r.id = asked.round1_id
JOIN processed_files f ON f.id = r.file_id
WHERE asked.id = %(round_id)s
ORDER BY r.id <> asked.id
