-- warning: Damage given and damage received differ in a round.
SELECT NULL::bigint AS file_id, s.round_id, NULL AS player_guid, n.field, n.value::text, n.expected::text
FROM (
    SELECT round_id, sum(damage_given) AS given, sum(damage_received) AS received,
           sum(team_damage_given) AS team_given, sum(team_damage_received) AS team_received
    FROM player_comprehensive_stats JOIN rounds r ON r.id = round_id AND r.bots = 0 AND r.anonymous = 0 GROUP BY round_id
) s
CROSS JOIN LATERAL (VALUES
    ('damage_given', s.given, s.received), ('team_damage_given', s.team_given, s.team_received)
    ) AS n (field, value, expected)
WHERE n.value <> n.expected
