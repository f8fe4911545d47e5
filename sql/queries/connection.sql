-- Settings and state of one connection, advisory locks, and facts of the database as a whole.

-- name: disable_synchronous_commit
-- Later commits are flushed to disk with the next commit that waits for it.
SET synchronous_commit = off

-- name: reset_synchronous_commit
RESET synchronous_commit

-- name: write_wal_record
-- A transaction that only writes to the WAL: when its commit is on disk, all earlier commits are.
SELECT pg_logical_emit_message(true, 'etstats', '')

-- name: begin_snapshot
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: skip_reference_checks
-- Until the end of the transaction; only a superuser may.
SET LOCAL session_replication_role = replica

-- name: defer_constraints
SET CONSTRAINTS ALL DEFERRED

-- name: check_constraints
SET CONSTRAINTS ALL IMMEDIATE

-- name: set_portable_text
-- The same value has the same text whatever the server's settings, so that dumps can be compared.
SELECT set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'postgres', true),
       set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true),
       set_config('client_encoding', 'UTF8', true)

-- name: database_facts
SELECT current_setting('server_version') AS server_version, current_database()::text AS name,
       pg_database_size(current_database()) AS size_bytes

-- name: current_wal_position
-- The WAL position of a primary; NULL on a replica.
SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn()::text END

-- name: replica_facts
-- The state of a replica: bytes of WAL not yet replayed, and the time of the last replayed commit.
SELECT pg_is_in_recovery() AS is_replica,
       greatest(pg_wal_lsn_diff(%(written_to)s::pg_lsn, pg_last_wal_replay_lsn()), 0)::bigint AS bytes_behind,
       pg_last_xact_replay_timestamp() AS as_of

-- name: scratch_databases
-- Only those of this database: another database of the same server may be making a backup now.
SELECT datname::text FROM pg_database WHERE starts_with(datname, %(prefix)s)

-- name: may_create_databases
SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user

-- name: analyze_tables
-- Update the planner's statistics of the tables that an import fills; autovacuum does so only a minute later.
ANALYZE processed_files, rounds, player_comprehensive_stats, weapon_comprehensive_stats

-- name: pin_settings
-- The results of queries depend on these settings; a role or a database may have other values.
-- Through a pooler the process id differs from the one at login; what it does not track is set for this
-- statement only. jit: compiling a long query takes longer than running it. An idle session waits for a game server
-- or for Discord.
SELECT is_pooled, CASE WHEN %(is_embedded)s THEN current_setting('data_directory') END AS works_in,
       current_setting('session_replication_role') AS replication_role,
       set_config('DateStyle', 'ISO, YMD', false),
       set_config('TimeZone', 'UTC', false),
       set_config('standard_conforming_strings', 'on', false),
       set_config('IntervalStyle', 'postgres', is_pooled),
       set_config('search_path', %(schema)s, is_pooled),
       set_config('bytea_output', 'hex', is_pooled),
       set_config('extra_float_digits', '1', is_pooled),
       set_config('transform_null_equals', 'off', is_pooled),
       set_config('default_transaction_isolation', 'read committed', is_pooled),
       set_config('idle_session_timeout', '0', is_pooled),
       set_config('idle_in_transaction_session_timeout', '0', is_pooled),
       set_config('jit', 'off', is_pooled)
FROM (SELECT pg_backend_pid() <> %(backend_pid)s AS is_pooled) AS session

-- name: settings_not_pinned
-- A setting whose value on the server would change results, that value, and the one that is needed.
-- The existing schemas on the search path matter, not how it is written ("$user", public).
SELECT name, coalesce(current_setting(name), '') AS found, expected
FROM (VALUES ('IntervalStyle', 'postgres'), ('bytea_output', 'hex'), ('transform_null_equals', 'off'),
             ('default_transaction_isolation', 'read committed')) AS needed (name, expected)
WHERE current_setting(name) <> expected
UNION ALL
SELECT 'search_path', current_setting('search_path'), %(schema)s::text
WHERE current_schemas(false) <> ARRAY[%(schema)s::text]::name[] AND current_setting('search_path') <> %(schema)s::text
UNION ALL
SELECT 'extra_float_digits', current_setting('extra_float_digits'), '1'
WHERE current_setting('extra_float_digits')::integer < 1
LIMIT 1

-- name: try_run_lock
SELECT pg_try_advisory_lock(%(key)s)

-- name: try_shared_run_lock
SELECT pg_try_advisory_lock_shared(%(key)s)

-- name: release_run_lock
SELECT pg_advisory_unlock(%(key)s)

-- name: release_shared_run_lock
SELECT pg_advisory_unlock_shared(%(key)s)

-- name: allow_idle_transaction
-- The transaction of a lock does nothing until the run ends.
SELECT set_config('idle_in_transaction_session_timeout', '0', true)

-- name: limit_lock_wait
SELECT set_config('lock_timeout', %(milliseconds)s, true)

-- name: wait_for_run_lock
SELECT pg_advisory_lock(%(key)s)

-- name: wait_for_shared_run_lock
SELECT pg_advisory_lock_shared(%(key)s)

-- name: is_run_lock_awaited
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32) | objid::bigint = ANY (%(keys)s::bigint[])
)

-- name: run_lock_holder
-- The session that has held the lock longest: its address (empty: local) and its age in seconds.
SELECT coalesce(host(client_addr), '') AS address,
       coalesce(extract(epoch FROM now() - backend_start), 0)::integer AS seconds
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) | objid::bigint = %(key)s
ORDER BY backend_start
LIMIT 1
