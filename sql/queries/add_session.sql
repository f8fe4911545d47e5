INSERT INTO sessions (server_id) VALUES (%(server_id)s) RETURNING id
