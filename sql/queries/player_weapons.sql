-- One player's sums in scope by weapon; accuracy only of weapons that fire bullets.
SELECT w.weapon_name, count(*) AS rounds, sum(w.kills) AS kills, sum(w.deaths) AS deaths,
       sum(w.hits) AS hits, sum(w.shots) AS shots, sum(w.headshots) AS headshots,
       CASE WHEN is_bullet_weapon(w.weapon_name)
            THEN 100 * sum(w.hits)::double precision / nullif(sum(w.shots), 0) END AS accuracy,
       CASE WHEN is_bullet_weapon(w.weapon_name)
            THEN 100 * sum(w.headshots)::double precision / nullif(sum(w.hits), 0) END AS headshot_share
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN weapon_comprehensive_stats w ON w.round_id = r.id
WHERE w.player_guid = %(guid)s
GROUP BY w.weapon_name
ORDER BY sum(w.kills) DESC, w.weapon_name
