SELECT datname::text FROM pg_database WHERE datname LIKE 'etstats\_scratch\_%';
