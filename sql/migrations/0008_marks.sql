-- What the last complete look at a server's folder left behind, so that the next one need not list it again.
-- It says that everything it saw is in this base, and so it lives and dies with it.
CREATE TABLE folder_marks (
    server_id    integer PRIMARY KEY REFERENCES servers (id),
    place        text NOT NULL,
    folder_mtime bigint NOT NULL,
    -- Seconds of our own clock: when this mtime was first seen, and when the last full listing began.
    first_seen   double precision NOT NULL,
    listed       double precision NOT NULL,
    -- Files young enough to be written to still: [[name, size, mtime], ...].
    recent       jsonb NOT NULL
);
