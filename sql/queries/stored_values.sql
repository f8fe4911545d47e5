-- All that is stored of one player in one round, as text: a column's name, or WEAPON.column.
SELECT n.key, n.value
FROM player_comprehensive_stats p CROSS JOIN LATERAL jsonb_each_text(to_jsonb(p)) n
WHERE p.round_id = %(round_id)s AND p.player_guid = %(guid)s
UNION ALL
SELECT w.weapon_name || '.' || n.key, n.value
FROM weapon_comprehensive_stats w CROSS JOIN LATERAL jsonb_each_text(to_jsonb(w)) n
WHERE w.round_id = %(round_id)s AND w.player_guid = %(guid)s
  AND n.key NOT IN ('round_id', 'player_guid', 'weapon_name')
