-- How far the log of a primary is written; NULL on a replica.
SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn()::text END
