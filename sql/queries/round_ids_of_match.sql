SELECT id FROM rounds WHERE server_id = %(server_id)s AND match_id = %(match_id)s
