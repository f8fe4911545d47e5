DELETE FROM player_comprehensive_stats WHERE round_id = ANY(%(round_ids)s)
