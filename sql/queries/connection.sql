-- Settings and state of one connection, and facts of the database as a whole.

-- name: disable_synchronous_commit
-- Later commits are flushed to disk with the next commit that waits for it.
SET synchronous_commit = off

-- name: reset_synchronous_commit
RESET synchronous_commit

-- name: write_wal_record
-- A transaction that only writes to the WAL: when its commit is on disk, all earlier commits are.
SELECT pg_logical_emit_message(true, 'etstats', '')

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
-- How far a replica has come: bytes of WAL not yet replayed, and the time of the last replayed commit.
SELECT pg_is_in_recovery() AS is_replica,
       greatest(pg_wal_lsn_diff(%(written_to)s::pg_lsn, pg_last_wal_replay_lsn()), 0)::bigint AS bytes_behind,
       pg_last_xact_replay_timestamp() AS as_of

-- name: scratch_databases
-- Only those of this database: another database of the same server may be making a backup now.
SELECT datname::text FROM pg_database WHERE starts_with(datname, %(prefix)s)

-- name: analyze_tables
-- Update the planner's statistics of the tables that an import fills; autovacuum does so only a minute later.
ANALYZE processed_files, rounds, player_comprehensive_stats, weapon_comprehensive_stats
