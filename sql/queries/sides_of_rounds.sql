SELECT round_id, player_guid, team FROM player_comprehensive_stats WHERE round_id = ANY(%(round_ids)s)
