COPY player_comprehensive_stats
    (round_id, player_guid, player_name, clean_name, team, was_reset, kills, deaths, headshots, hits, shots,
     bullets_fired, damage_given, damage_received, team_damage_given, team_damage_received, gibs, self_kills,
     team_kills, team_gibs, time_played_seconds, time_played_percent, xp, killing_spree_best, death_spree_worst,
     kill_assists, kill_steals, headshot_kills, objectives_stolen, objectives_returned, dynamites_planted,
     dynamites_defused, times_revived, tank_meatshield, time_dead_minutes, most_useful_kills, denied_playtime,
     double_kills, triple_kills, quad_kills, multi_kills, mega_kills, useless_kills, full_selfkills, constructions,
     revives_given)
FROM STDIN
