SELECT session_id, changes FROM changed_sessions WHERE changes <> checked ORDER BY session_id
