-- warning: The same file counts on two servers. If one is the other's former name: `etstats db rename-server`.
SELECT f.id AS file_id, NULL::bigint AS round_id, NULL AS player_guid, 'source_hash' AS field,
       f.filename || ' on ' || (SELECT name FROM servers WHERE id = f.server_id) AS value,
       'not also on ' || (SELECT name FROM servers WHERE id = o.first_server) AS expected
FROM processed_files f
JOIN (
    SELECT source_hash, min(server_id) AS first_server
    FROM processed_files WHERE success AND duplicate_of IS NULL
    GROUP BY source_hash HAVING count(DISTINCT server_id) > 1
) o USING (source_hash)
WHERE f.success AND f.duplicate_of IS NULL AND f.server_id <> o.first_server
