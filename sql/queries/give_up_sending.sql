-- Posts that somebody began to send and never said what became of it.
UPDATE posts SET state = 'unknown', reason = %(reason)s WHERE state = 'sending' RETURNING id
