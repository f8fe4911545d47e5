-- error: A good file that counts has no round.
SELECT f.id AS file_id, NULL::bigint AS round_id, NULL AS player_guid, 'rounds' AS field, '0' AS value,
       '1' AS expected
FROM processed_files f
WHERE f.success AND f.duplicate_of IS NULL AND NOT EXISTS (SELECT FROM rounds r WHERE r.file_id = f.id)
