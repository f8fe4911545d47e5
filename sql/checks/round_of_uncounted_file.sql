-- error: A round belongs to a file in quarantine, or to a duplicate of another file.
SELECT f.id AS file_id, r.id AS round_id, NULL AS player_guid, 'file_id' AS field, f.id::text AS value,
       coalesce('file ' || f.duplicate_of, 'no round') AS expected
FROM rounds r JOIN processed_files f ON f.id = r.file_id
WHERE NOT f.success OR f.duplicate_of IS NOT NULL
