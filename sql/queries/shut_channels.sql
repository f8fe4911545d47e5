-- What is wrong with which channel; one that no setting names any more is forgotten.
WITH forgotten AS (DELETE FROM post_channels WHERE NOT channel = ANY (%(channels)s))
SELECT channel, gone_at, gone_reason, held_until FROM post_channels WHERE channel = ANY (%(channels)s)
