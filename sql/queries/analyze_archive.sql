-- What the planner knows of the tables that an import fills; the server's own autovacuum comes a minute later.
ANALYZE processed_files, rounds, player_comprehensive_stats, weapon_comprehensive_stats
