-- Those of this base alone: another base of the same server may be making a backup right now.
SELECT datname::text FROM pg_database WHERE starts_with(datname, %(prefix)s);
