INSERT INTO sessions (id, server_id) OVERRIDING SYSTEM VALUE SELECT unnest(%(ids)s::bigint[]), %(server_id)s
