-- What became of a claimed post. One that was given up meanwhile is mended by an answer that came after all.
UPDATE posts
SET state = %(state)s, message_id = %(message_id)s, thread_id = %(thread_id)s, fingerprint = %(fingerprint)s,
    reason = %(reason)s, sent_at = CASE WHEN %(state)s = 'sent' THEN %(now)s::timestamptz END
WHERE id = %(id)s AND state IN ('sending', 'unknown')
