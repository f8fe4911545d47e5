UPDATE changed_sessions SET checked = %(changes)s WHERE session_id = %(session_id)s
