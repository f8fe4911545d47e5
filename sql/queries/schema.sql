-- The schema: migrations, and the catalog of tables and columns.

-- name: applied_migrations
SELECT number, name, sha256, applied_at
FROM schema_migrations
ORDER BY number

-- name: create_schema_migrations
-- The record of the applied migrations; the only table that no migration creates.
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY CHECK (number > 0),
    name text NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)

-- name: lock_migrations
-- Held until the transaction ends, so that two processes migrate one after the other.
SELECT pg_advisory_xact_lock(%(key)s)

-- name: record_migration
INSERT INTO schema_migrations (number, name, sha256)
VALUES (%(number)s, %(name)s, %(sha256)s)

-- name: catalog_columns
-- Every column of every table and view in the database.
SELECT c.relname AS table_name, c.relkind = 'v' AS is_view, a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS kind, NOT a.attnotnull AS is_nullable,
       a.attgenerated <> '' AS is_generated,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attnum = ANY (k.conkey))
           AS is_key,
       (SELECT k.confrelid::regclass::text FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
        ORDER BY k.conname LIMIT 1) AS refers_to
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relkind <> 'r', c.relname, a.attnum

-- name: dumped_tables
-- Every table as a backup stores it: stored columns, the key that orders its rows, identity columns, and the tables
-- that must be filled before it.
SELECT c.relname::text AS name,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
       coalesce((SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
                 FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                 WHERE i.indrelid = c.oid AND i.indisprimary), '{}') AS key,
       coalesce((SELECT array_agg(a.attname::text) FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped), '{}') AS identities,
       coalesce((SELECT array_agg(DISTINCT p.relname::text) FROM pg_constraint f JOIN pg_class p ON p.oid = f.confrelid
                 WHERE f.conrelid = c.oid AND f.contype = 'f' AND p.oid <> c.oid), '{}') AS needs
FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname <> 'schema_migrations'
ORDER BY c.relname
