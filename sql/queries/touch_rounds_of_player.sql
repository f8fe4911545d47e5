-- What is shown of these rounds has changed, so that posts of them are looked at again.
UPDATE rounds SET stored_at = now()
WHERE id IN (SELECT round_id FROM player_comprehensive_stats WHERE player_guid = %(guid)s)
