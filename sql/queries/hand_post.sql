UPDATE posts SET state = %(state)s WHERE id = %(id)s AND state = %(was)s RETURNING id
