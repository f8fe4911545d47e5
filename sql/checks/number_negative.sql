-- error: A count is negative.
SELECT NULL::bigint AS file_id, p.round_id, p.player_guid, n.key AS field, n.value, '0 or more' AS expected
FROM (
    SELECT round_id, player_guid, to_jsonb(x) - '{xp,tank_meatshield}'::text[] AS numbers
    FROM player_comprehensive_stats x
    -- Expanding a row to names and values is slow: only rows with a finding are expanded.
    WHERE least({player_counts}) < 0
    UNION ALL
    SELECT round_id, player_guid, to_jsonb(x)
    FROM weapon_comprehensive_stats x
    WHERE least(kills, deaths, headshots, hits, shots) < 0
) p
CROSS JOIN LATERAL jsonb_each_text(p.numbers) AS n
WHERE jsonb_typeof(p.numbers -> n.key) = 'number' AND n.value LIKE '-%%'
