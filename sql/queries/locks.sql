-- Advisory locks.

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

-- name: is_run_lock_awaited
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32) | objid::bigint = %(key)s
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
