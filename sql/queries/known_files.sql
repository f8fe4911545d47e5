-- What the base took of a server since a name: as the source showed it when it was taken, quarantine included.
SELECT filename, coalesce(octet_length(rejected_content), source_size) AS size,
       CASE WHEN rejected_hash IS NULL THEN source_mtime ELSE rejected_mtime END AS mtime,
       NOT success OR rejected_hash IS NOT NULL AS in_quarantine
FROM processed_files
WHERE server_id = %(server_id)s AND filename >= %(since)s
