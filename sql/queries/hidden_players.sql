-- Everybody who is hidden, under the last name.
SELECT h.player_guid, coalesce(a.alias, h.player_guid) AS clean_name, h.hidden_at
FROM hidden_players h
LEFT JOIN LATERAL (SELECT alias FROM player_aliases WHERE guid = h.player_guid
                   ORDER BY last_seen DESC, times_seen DESC LIMIT 1) a ON true
ORDER BY h.hidden_at, h.player_guid
