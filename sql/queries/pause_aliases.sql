-- While everything is written again, the aliases are counted once at the end instead of at each step.
ALTER TABLE player_comprehensive_stats DISABLE TRIGGER aliases_seen, DISABLE TRIGGER aliases_unseen
