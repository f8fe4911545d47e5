ALTER TABLE player_comprehensive_stats ENABLE TRIGGER aliases_seen, ENABLE TRIGGER aliases_unseen
