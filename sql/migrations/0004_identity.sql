-- Who is shown, who is linked, and who asked to be forgotten.

-- Kept off boards and posts; rounds and team totals keep the numbers.
CREATE TABLE hidden_players (
    player_guid text PRIMARY KEY CHECK (player_guid ~ '^[0-9A-F]{8}$'),
    hidden_at   timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE player_links ADD COLUMN wants_mention boolean NOT NULL DEFAULT false;

-- Who was forgotten, known again only by a slow keyed hash of the GUID: see `etstats/forgetting.py`.
CREATE TABLE forgotten_players (
    guid_hash      text PRIMARY KEY CHECK (guid_hash ~ '^[0-9a-f]{64}$'),
    pseudonym_guid text NOT NULL UNIQUE CHECK (pseudonym_guid ~ '^[0-9A-F]{8}$'),
    pseudonym      text NOT NULL UNIQUE CHECK (pseudonym <> ''),
    forgotten_at   timestamptz NOT NULL DEFAULT now()
);

-- The key of those hashes, one row; made by the first `forget`.
CREATE TABLE forgetting_key (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    key     bytea NOT NULL CHECK (octet_length(key) = 32)
);

-- A player's pseudonym takes the place of the GUID in all rows of a round.
ALTER TABLE weapon_comprehensive_stats
    DROP CONSTRAINT weapon_comprehensive_stats_round_id_player_guid_fkey,
    ADD FOREIGN KEY (round_id, player_guid)
        REFERENCES player_comprehensive_stats (round_id, player_guid) ON DELETE CASCADE ON UPDATE CASCADE;
