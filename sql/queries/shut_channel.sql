INSERT INTO post_channels AS c (channel, gone_at, gone_reason, held_until)
VALUES (%(channel)s, %(gone_at)s, %(gone_reason)s, %(held_until)s)
ON CONFLICT (channel) DO UPDATE
SET gone_at = coalesce(c.gone_at, excluded.gone_at), gone_reason = coalesce(c.gone_reason, excluded.gone_reason),
    held_until = coalesce(excluded.held_until, c.held_until)
