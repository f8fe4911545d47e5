-- Held until the transaction ends; two programs that migrate at once go one after the other.
SELECT pg_advisory_xact_lock(%(key)s);
