-- warning: Two GUIDs of one person play in the same round; there they count as two players.
SELECT NULL::bigint AS file_id, c.round_id, c.player_guid, 'player_guid' AS field, c.player_guid AS value,
       'one GUID of ' || person_of(c.player_guid) AS expected
FROM identity_conflicts c
JOIN rounds r ON r.id = c.round_id
JOIN player_comprehensive_stats p ON p.round_id = c.round_id AND p.player_guid = c.player_guid
WHERE NOT r.is_voided AND p.time_played_seconds > 0
