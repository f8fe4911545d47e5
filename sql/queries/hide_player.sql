INSERT INTO hidden_players (player_guid) VALUES (%(guid)s) ON CONFLICT DO NOTHING
