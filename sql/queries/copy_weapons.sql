COPY weapon_comprehensive_stats (round_id, player_guid, weapon_name, hits, shots, kills, deaths, headshots) FROM STDIN
