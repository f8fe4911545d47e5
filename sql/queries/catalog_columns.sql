-- Every column of every table and view, as the base has them.
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
