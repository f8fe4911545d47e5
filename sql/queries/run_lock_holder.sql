-- Who has held the lock longest: its address (empty: the machine of the base) and for how many seconds it is there.
SELECT coalesce(host(client_addr), '') AS address,
       coalesce(extract(epoch FROM now() - backend_start), 0)::integer AS seconds
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) | objid::bigint = %(key)s
ORDER BY backend_start
LIMIT 1;
