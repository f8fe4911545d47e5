-- Posts that a person should know of.
SELECT id FROM posts WHERE state IN ('failed', 'unknown', 'sending')
