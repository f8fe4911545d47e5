-- How far a replica has come: bytes of the primary's log that are still to be replayed, and the last commit it shows.
SELECT pg_is_in_recovery() AS is_replica,
       greatest(pg_wal_lsn_diff(%(written_to)s::pg_lsn, pg_last_wal_replay_lsn()), 0)::bigint AS bytes_behind,
       pg_last_xact_replay_timestamp() AS as_of
