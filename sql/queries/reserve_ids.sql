-- Ids for what a batch may store; those that are not used are skipped for good.
SELECT nextval(pg_get_serial_sequence(%(table)s, 'id')) FROM generate_series(1, %(count)s)
