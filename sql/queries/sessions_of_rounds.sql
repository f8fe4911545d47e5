SELECT id, gaming_session_id FROM rounds WHERE gaming_session_id = ANY (%(session_ids)s)
