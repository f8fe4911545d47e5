-- A transaction that only writes to the log: when its commit is on the disk, all before it are.
SELECT pg_logical_emit_message(true, 'etstats', '')
