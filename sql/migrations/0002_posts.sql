-- The journal of what was told to Discord, and what has to be looked at again.

-- From which moment on rounds, maps and evenings of a server are posted: the moment it was switched on.
CREATE TABLE post_watermarks (
    server_id integer NOT NULL REFERENCES servers (id),
    kind      text NOT NULL CHECK (kind IN ('round', 'map', 'session')),
    since     timestamptz NOT NULL,
    PRIMARY KEY (server_id, kind)
);

-- What is wrong with a channel. Its name is a hash of webhook and thread, so a changed setting is another channel.
CREATE TABLE post_channels (
    channel     text PRIMARY KEY CHECK (channel ~ '^[0-9a-f]{32}$'),
    gone_at     timestamptz,
    gone_reason text,
    held_until  timestamptz,
    CHECK ((gone_at IS NULL) = (gone_reason IS NULL))
);

-- One row a thing told, never two: who posts writes 'sending' here and commits before the message leaves.
-- `subject` is a file, because files keep their ids through every rebuild: the round's own, the file of a map's
-- second round, the first one of an evening or of a digest.
CREATE TABLE posts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_id   integer NOT NULL REFERENCES servers (id),
    kind        text NOT NULL CHECK (kind IN ('round', 'map', 'session', 'digest')),
    subject     bigint NOT NULL REFERENCES processed_files (id),
    channel     text NOT NULL CHECK (channel ~ '^[0-9a-f]{32}$'),
    state       text NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'unknown')),
    message_id  text,
    thread_id   text,
    fingerprint text,
    reason      text NOT NULL DEFAULT '',
    attempts    integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- From when to when the rounds ended of which a digest, or an evening's summary, tells.
    first_at    timestamptz,
    last_at     timestamptz,
    created_at  timestamptz NOT NULL,
    claimed_at  timestamptz,
    sent_at     timestamptz,
    edited_at   timestamptz,
    UNIQUE (server_id, kind, subject),
    CHECK (message_id IS NULL OR state = 'sent'),
    CHECK (state NOT IN ('failed', 'unknown') OR reason <> ''),
    CHECK ((first_at IS NULL) = (last_at IS NULL)),
    CHECK ((kind IN ('digest', 'session')) = (first_at IS NOT NULL))
);
CREATE INDEX posts_subject ON posts (subject);
CREATE INDEX posts_open ON posts (state) WHERE state <> 'sent';

-- Evenings that changed since the poster went through them: what is new and what needs correcting is in these,
-- so that a look with nothing to do need not read a league's whole history. `checked`: the posts agree with it.
CREATE TABLE changed_sessions (
    session_id bigint PRIMARY KEY,
    changes    bigint NOT NULL DEFAULT 1,
    checked    bigint NOT NULL DEFAULT 0
);

CREATE FUNCTION sessions_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changed_sessions AS c (session_id)
    SELECT DISTINCT gaming_session_id FROM changed_rows ORDER BY gaming_session_id
    ON CONFLICT (session_id) DO UPDATE SET changes = c.changes + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER sessions_gain AFTER INSERT ON rounds
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_changed();
CREATE TRIGGER sessions_change AFTER UPDATE ON rounds
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_changed();
CREATE TRIGGER sessions_give AFTER UPDATE ON rounds
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_changed();
CREATE TRIGGER sessions_lose AFTER DELETE ON rounds
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_changed();
