-- The schema: migrations, and the catalog of tables and columns.

-- name: applied_migrations
SELECT number, name, sha256, applied_at
FROM schema_migrations
ORDER BY number

-- name: schema_to_create
-- The schema that the search path names and that does not exist.
SELECT current_setting('search_path') WHERE current_schema() IS NULL

-- name: create_schema_migrations
-- The record of the applied migrations; the only table that no migration creates.
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY CHECK (number > 0),
    name text NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- All objects of the schema after this migration, as text.
    objects text[] NOT NULL
)

-- name: lock_migrations
-- Held until the transaction ends, so that two processes migrate one after the other.
SELECT pg_advisory_xact_lock(%(key)s)

-- name: record_migration
INSERT INTO schema_migrations (number, name, sha256, objects)
VALUES (%(number)s, %(name)s, %(sha256)s, %(objects)s)

-- name: recorded_objects
SELECT objects FROM schema_migrations ORDER BY number DESC LIMIT 1

-- name: schema_objects
-- Every object of the schema, as text: kind, table, name, and the type of a column. A disabled trigger, an invalid index
-- and a constraint that was never validated do not count. Not-null constraints are part of their columns.
WITH relations AS (
    SELECT oid, relname, relkind FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')
)
SELECT CASE relkind WHEN 'v' THEN 'view ' ELSE 'table ' END || relname FROM relations
UNION ALL
SELECT concat('column ', r.relname, '.', a.attname, ' ', format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attgenerated <> '' THEN ' generated' END, CASE WHEN a.attnotnull THEN ' not null' END)
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid
WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT concat('constraint ', r.relname, '.', c.conname)
FROM relations r JOIN pg_constraint c ON c.conrelid = r.oid
WHERE c.contype <> 'n' AND c.convalidated
UNION ALL
SELECT concat('index ', r.relname, '.', i.indexrelid::regclass)
FROM relations r JOIN pg_index i ON i.indrelid = r.oid
WHERE i.indisvalid AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
UNION ALL
SELECT concat('trigger ', r.relname, '.', t.tgname)
FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
UNION ALL
SELECT DISTINCT 'function ' || proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
ORDER BY 1

-- name: impossible_time
-- A time before 1970 or after 9000, the years that the name of a file can have, in any time zone.
(SELECT {name} || ' ' || {column}::text FROM {table}
 WHERE {column} NOT BETWEEN '1969-12-30 00:00Z' AND '9001-01-02 00:00Z' LIMIT 1)

-- name: impossible_number
-- A number that is not finite, or larger than any rating.
(SELECT {name} || ' ' || {column}::text FROM {table} WHERE NOT abs({column}) < 1e30 LIMIT 1)

-- name: catalog_columns
-- Every column of every table and view in the database but the sums of sealed periods, which are other columns added up.
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
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relname !~ '^sealed(_|$)'
ORDER BY c.relkind <> 'r', c.relname, a.attnum

-- name: dumped_tables
-- Every table of etstats as a backup stores it: stored columns, the key that orders its rows, identity columns, the
-- columns of moments and of fractional numbers, and the tables that must be filled before it.
SELECT c.relname::text AS name,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
       coalesce((SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
                 FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                 WHERE i.indrelid = c.oid AND i.indisprimary), '{}') AS key,
       coalesce((SELECT array_agg(a.attname::text) FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped), '{}') AS identities,
       coalesce((SELECT array_agg(a.attname::text) FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)), '{}') AS moments,
       coalesce((SELECT array_agg(a.attname::text) FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND a.atttypid IN ('real'::regtype, 'double precision'::regtype, 'numeric'::regtype)), '{}')
           AS fractions,
       coalesce((SELECT array_agg(DISTINCT p.relname::text) FROM pg_constraint f JOIN pg_class p ON p.oid = f.confrelid
                 WHERE f.conrelid = c.oid AND f.contype = 'f' AND p.oid <> c.oid), '{}') AS needs
FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
  AND 'table ' || c.relname = ANY ((SELECT objects FROM schema_migrations ORDER BY number DESC LIMIT 1)::text[])
  -- Sums that a restore computes again.
  AND c.relname !~ '^sealed(_|$)'
ORDER BY c.relname

-- name: constraints_enforced_by_triggers
-- Foreign keys and deferrable constraints, as statements that create them again.
SELECT c.relname::text AS table_name, k.conname::text, pg_get_constraintdef(k.oid) AS definition
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = current_schema()::regnamespace
  AND (k.contype = 'f' OR (k.condeferrable AND k.contype IN ('p', 'u', 'x')))
ORDER BY k.contype, k.conname
