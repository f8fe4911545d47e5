-- What stands in the base of one round, read back after it was written.
SELECT (SELECT count(*) FROM player_comprehensive_stats WHERE round_id = %(round_id)s) AS players,
       (SELECT coalesce(sum(kills), 0) FROM player_comprehensive_stats WHERE round_id = %(round_id)s) AS kills,
       (SELECT coalesce(sum(deaths), 0) FROM player_comprehensive_stats WHERE round_id = %(round_id)s) AS deaths,
       count(*) AS weapons, coalesce(sum(kills), 0) AS weapon_kills, coalesce(sum(deaths), 0) AS weapon_deaths
FROM weapon_comprehensive_stats WHERE round_id = %(round_id)s
