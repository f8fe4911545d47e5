-- The weapons follow by their foreign key.
UPDATE player_comprehensive_stats
SET player_guid = %(pseudonym_guid)s, player_name = %(pseudonym)s, clean_name = %(pseudonym)s
WHERE player_guid = %(guid)s
