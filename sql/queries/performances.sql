-- What each player did in each round, as far as ratings and lines over the evening need it.
SELECT p.round_id, p.player_guid, p.team, p.kills, p.deaths, p.damage_given, p.team_damage_given, p.kill_assists,
       coalesce(p.revives_given, 0) AS revives_given,
       p.objectives_stolen + p.objectives_returned + p.dynamites_planted + p.dynamites_defused
           + coalesce(p.constructions, 0) AS objectives,
       p.time_played_seconds, p.dpm
FROM player_comprehensive_stats p
WHERE p.round_id = ANY (%(round_ids)s)
ORDER BY p.round_id, p.player_guid
