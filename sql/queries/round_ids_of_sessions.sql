SELECT id FROM rounds WHERE gaming_session_id = ANY (%(session_ids)s)
