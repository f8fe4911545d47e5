INSERT INTO forgetting_key (key) VALUES (%(key)s) ON CONFLICT DO NOTHING
