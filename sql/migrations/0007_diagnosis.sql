-- How many files lay where, and since when: what `diagnose` compares with.
-- A row is a stretch of time in which a count was always seen with the same value.
CREATE TABLE file_counts (
    server_id  integer NOT NULL REFERENCES servers (id),
    what       text NOT NULL CHECK (what <> ''),
    count      integer NOT NULL CHECK (count >= 0),
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL CHECK (last_seen >= first_seen),
    PRIMARY KEY (server_id, what, first_seen)
);
