-- The name under which each of these players was last seen.
SELECT DISTINCT ON (guid) guid, alias FROM player_aliases
WHERE guid = ANY (%(guids)s)
ORDER BY guid, last_seen DESC, times_seen DESC, alias
