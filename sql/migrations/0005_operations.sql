-- What is known of each game server between runs: when it was looked at, what came, and whether people play there.
CREATE TABLE server_looks (
    server_id    integer PRIMARY KEY REFERENCES servers (id),
    looked_at    timestamptz,
    new_file_at  timestamptz,
    missed       integer NOT NULL DEFAULT 0 CHECK (missed >= 0),
    missed_since timestamptz,
    asked_at     timestamptz,
    people       integer CHECK (people >= 0),
    -- Since when people were seen at every question.
    people_since timestamptz,
    CHECK ((missed = 0) = (missed_since IS NULL)),
    CHECK ((asked_at IS NULL) = (people IS NULL))
);
