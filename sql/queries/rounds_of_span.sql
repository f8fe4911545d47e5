SELECT id FROM rounds WHERE server_id = %(server_id)s AND ended_at BETWEEN %(first_at)s AND %(last_at)s
