-- error: Two files of a server with the same content both count, or the later name counts.
SELECT f.id AS file_id, NULL::bigint AS round_id, NULL AS player_guid, 'duplicate_of' AS field,
       coalesce(f.duplicate_of::text, 'none') AS value, coalesce(nullif(e.first_id, f.id)::text, 'none') AS expected
FROM processed_files f
JOIN (
    SELECT server_id, source_hash, (array_agg(id ORDER BY filename COLLATE "C"))[1] AS first_id
    FROM processed_files WHERE success GROUP BY server_id, source_hash HAVING count(*) > 1
) e USING (server_id, source_hash)
WHERE f.success AND f.duplicate_of IS DISTINCT FROM nullif(e.first_id, f.id)
