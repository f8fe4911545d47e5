SELECT guid, alias, times_seen, first_seen, last_seen
FROM player_aliases
WHERE %(guid)s::text IS NULL OR guid = %(guid)s
ORDER BY last_seen DESC, times_seen DESC, guid, alias
