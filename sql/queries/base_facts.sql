SELECT current_setting('server_version') AS server_version, current_database()::text AS name,
       pg_database_size(current_database()) AS size_bytes;
