INSERT INTO forgotten_players (guid_hash, pseudonym_guid, pseudonym)
VALUES (%(guid_hash)s, %(pseudonym_guid)s, %(pseudonym)s)
