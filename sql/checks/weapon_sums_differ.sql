-- error: A player's numbers are not the sums over the player's weapons (hits and shots: the bullet weapons).
SELECT NULL::bigint AS file_id, p.round_id, p.player_guid, n.field, n.value::text, n.expected::text
FROM player_comprehensive_stats p
LEFT JOIN LATERAL (
    SELECT coalesce(sum(w.kills), 0) AS kills, coalesce(sum(w.deaths), 0) AS deaths,
           coalesce(sum(w.headshots), 0) AS headshots, coalesce(sum(w.shots), 0) AS bullets_fired,
           coalesce(sum(w.hits) FILTER (WHERE w.weapon_name = ANY(%(bullet_weapons)s)), 0) AS hits,
           coalesce(sum(w.shots) FILTER (WHERE w.weapon_name = ANY(%(bullet_weapons)s)), 0) AS shots
    FROM weapon_comprehensive_stats w
    WHERE w.round_id = p.round_id AND w.player_guid = p.player_guid) s ON true
CROSS JOIN LATERAL (VALUES
    ('kills', p.kills, s.kills), ('deaths', p.deaths, s.deaths), ('headshots', p.headshots, s.headshots),
    ('bullets_fired', p.bullets_fired, s.bullets_fired), ('hits', p.hits, s.hits), ('shots', p.shots, s.shots)
    ) AS n (field, value, expected)
WHERE n.value <> n.expected
