-- error: A weapon has more headshots than hits.
SELECT NULL::bigint AS file_id, round_id, player_guid, weapon_name AS field, headshots::text AS value,
       'at most ' || hits AS expected
FROM weapon_comprehensive_stats
WHERE headshots > hits
