SELECT w.weapon_name, count(*) AS rounds, sum(w.kills) AS kills, sum(w.deaths) AS deaths,
       sum(w.hits) AS hits, sum(w.shots) AS shots, sum(w.headshots) AS headshots,
       is_bullet_weapon(w.weapon_name) AS is_bullet
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN weapon_comprehensive_stats w ON w.round_id = r.id
WHERE w.player_guid = %(guid)s
GROUP BY w.weapon_name
ORDER BY sum(w.kills) DESC, w.weapon_name
