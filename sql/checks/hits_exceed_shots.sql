-- warning: A bullet weapon has more hits than shots; each bullet hits one player at most.
SELECT NULL::bigint AS file_id, round_id, player_guid, weapon_name AS field, hits::text AS value,
       'at most ' || shots AS expected
FROM weapon_comprehensive_stats
WHERE hits > shots AND weapon_name = ANY(%(bullet_weapons)s)
