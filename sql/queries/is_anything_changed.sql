SELECT EXISTS (SELECT FROM changed_sessions WHERE changes <> checked)
    OR EXISTS (SELECT FROM posts WHERE state = 'sending')
