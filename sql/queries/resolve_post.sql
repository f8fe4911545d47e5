UPDATE posts SET state = %(state)s, reason = %(reason)s, message_id = %(message_id)s,
                 sent_at = CASE WHEN %(state)s = 'sent' THEN coalesce(sent_at, claimed_at) END
WHERE id = %(id)s AND state IN ('unknown', 'failed')
RETURNING id
