-- What was done with each weapon in the rounds in scope, and who killed most with it.
WITH sums AS (
    SELECT w.weapon_name, w.player_guid, sum(w.kills) AS kills, sum(w.hits) AS hits, sum(w.shots) AS shots,
           sum(w.headshots) AS headshots
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
    JOIN weapon_comprehensive_stats w ON w.round_id = r.id
    GROUP BY w.weapon_name, w.player_guid
), shown AS (
    SELECT DISTINCT ON (s.weapon_name) s.weapon_name, s.player_guid, s.kills
    FROM sums s
    WHERE s.kills > 0 AND NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = s.player_guid)
    ORDER BY s.weapon_name, s.kills DESC, s.player_guid
), totals AS (
    SELECT weapon_name, count(*) AS players, sum(kills) AS kills, sum(hits) AS hits, sum(shots) AS shots,
           sum(headshots) AS headshots
    FROM sums
    GROUP BY weapon_name
)
SELECT t.weapon_name, t.players, t.kills::bigint AS kills,
       (t.kills / nullif(sum(t.kills) OVER (), 0))::double precision AS kill_share,
       t.hits::bigint AS hits, t.shots::bigint AS shots, t.headshots::bigint AS headshots,
       CASE WHEN is_bullet_weapon(t.weapon_name) THEN 100 * (t.hits / nullif(t.shots, 0))::double precision END
           AS accuracy,
       CASE WHEN is_bullet_weapon(t.weapon_name) THEN 100 * (t.headshots / nullif(t.hits, 0))::double precision END
           AS headshot_share,
       shown.player_guid, names.player_name, shown.kills::bigint AS player_kills
FROM totals t
LEFT JOIN shown USING (weapon_name)
LEFT JOIN LATERAL names_of(shown.player_guid) names ON true
ORDER BY t.kills DESC, t.weapon_name
