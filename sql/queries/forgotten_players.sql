SELECT guid_hash, pseudonym_guid, pseudonym FROM forgotten_players ORDER BY forgotten_at, guid_hash
