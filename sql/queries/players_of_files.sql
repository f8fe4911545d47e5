SELECT p.round_id, p.player_guid, p.player_name, p.clean_name, p.team, p.was_reset, p.kills, p.deaths, p.headshots,
       p.hits, p.shots, p.bullets_fired, p.damage_given, p.damage_received, p.team_damage_given,
       p.team_damage_received, p.gibs, p.self_kills, p.team_kills, p.team_gibs, p.time_played_seconds,
       p.time_played_percent::double precision, p.xp, p.killing_spree_best, p.death_spree_worst, p.kill_assists,
       p.kill_steals, p.headshot_kills, p.objectives_stolen, p.objectives_returned, p.dynamites_planted,
       p.dynamites_defused, p.times_revived, p.tank_meatshield::double precision,
       p.time_dead_minutes::double precision, p.most_useful_kills, p.denied_playtime, p.double_kills,
       p.triple_kills, p.quad_kills, p.multi_kills, p.mega_kills, p.useless_kills, p.full_selfkills,
       p.constructions, p.revives_given
FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id
WHERE r.file_id = ANY(%(file_ids)s)
ORDER BY p.round_id, p.player_guid COLLATE "C"
