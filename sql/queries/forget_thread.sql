UPDATE posts SET thread_id = NULL WHERE thread_id = %(thread_id)s
