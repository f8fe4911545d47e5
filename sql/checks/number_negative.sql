-- error: A number that counts something is below zero.
SELECT NULL::bigint AS file_id, p.round_id, p.player_guid, n.key AS field, n.value, '0 or more' AS expected
FROM (
    SELECT round_id, player_guid, to_jsonb(x) - '{xp,tank_meatshield}'::text[] AS numbers
    FROM player_comprehensive_stats x
    UNION ALL
    SELECT round_id, player_guid, to_jsonb(x) FROM weapon_comprehensive_stats x
) p
CROSS JOIN LATERAL jsonb_each_text(p.numbers) AS n
WHERE jsonb_typeof(p.numbers -> n.key) = 'number' AND n.value LIKE '-%%'
