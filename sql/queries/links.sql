-- All links, under the players' last names.
SELECT l.discord_user_id::text, l.player_guid, coalesce(a.alias, l.player_guid) AS clean_name, l.wants_mention, l.linked_at
FROM player_links l
LEFT JOIN LATERAL (SELECT alias FROM player_aliases WHERE guid = l.player_guid
                   ORDER BY last_seen DESC, times_seen DESC LIMIT 1) a ON true
ORDER BY lower(coalesce(a.alias, l.player_guid)), l.player_guid
