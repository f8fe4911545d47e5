UPDATE posts SET fingerprint = %(fingerprint)s, reason = %(reason)s,
                 edited_at = coalesce(%(edited_at)s, edited_at)
WHERE id = %(id)s AND state = 'sent'
