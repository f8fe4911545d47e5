-- error: The content of an archived file differs from its recorded hash and size.
SELECT f.id AS file_id, NULL::bigint AS round_id, NULL AS player_guid, n.field, n.value, n.expected
FROM processed_files f
CROSS JOIN LATERAL (VALUES
    ('file_hash', f.file_hash, encode(sha256(f.content), 'hex')),
    ('size_bytes', f.size_bytes::text, octet_length(f.content)::text)) AS n (field, value, expected)
-- Hashing is slow: only files that were processed since then.
WHERE (%(since)s::timestamptz IS NULL OR f.processed_at >= %(since)s) AND n.value <> n.expected
