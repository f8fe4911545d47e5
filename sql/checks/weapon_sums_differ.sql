-- error: A player's counts differ from the sums over the player's weapons (hits, shots: bullet weapons).
SELECT NULL::bigint AS file_id, p.round_id, p.player_guid, n.field, n.value::text, e.expected::text
FROM player_comprehensive_stats p
LEFT JOIN (
    SELECT w.round_id, w.player_guid, sum(w.kills) AS kills, sum(w.deaths) AS deaths,
           sum(w.headshots) AS headshots, sum(w.shots) AS bullets_fired,
           sum(w.hits) FILTER (WHERE w.weapon_name = ANY(%(bullet_weapons)s)) AS hits,
           sum(w.shots) FILTER (WHERE w.weapon_name = ANY(%(bullet_weapons)s)) AS shots
    FROM weapon_comprehensive_stats w
    GROUP BY w.round_id, w.player_guid) s USING (round_id, player_guid)
CROSS JOIN LATERAL (VALUES
    ('kills', p.kills, s.kills), ('deaths', p.deaths, s.deaths), ('headshots', p.headshots, s.headshots),
    ('bullets_fired', p.bullets_fired, s.bullets_fired), ('hits', p.hits, s.hits), ('shots', p.shots, s.shots)
    ) AS n (field, value, sum)
CROSS JOIN LATERAL (SELECT coalesce(n.sum, 0) AS expected) AS e
WHERE n.value <> e.expected
