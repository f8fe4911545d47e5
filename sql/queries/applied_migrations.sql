SELECT number, name, sha256, applied_at
FROM schema_migrations
ORDER BY number;
