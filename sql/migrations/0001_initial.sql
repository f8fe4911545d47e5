-- The schema of etstats.
--
-- 1. Archive: servers, processed_files          what the game servers wrote
-- 2. Corrections and identities                 what admins and players decided
-- 3. Rounds, sessions, series, ratings          derived from 1 and 2; `etstats rebuild` recomputes all of it
-- 4. Posts                                      what was sent to Discord
-- 5. Operations                                 state of polling, counts of files
-- 6. Functions and views that the queries use

-- 1. Archive

CREATE TABLE servers (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name <> ''),
    -- As last configured; a server that was removed from the settings keeps its time zone. NULL: never configured.
    timezone   text CHECK (timezone <> ''),
    -- False: every file is a match of its own (objective, last man standing, ...).
    stopwatch  boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One row per server and file name. `content` is the last good version. When a good file is replaced by a bad one,
-- the bad version is kept in the `rejected_*` columns and the good one stays.
CREATE TABLE processed_files (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_id        integer NOT NULL REFERENCES servers (id),
    filename         text NOT NULL CHECK (filename <> '' AND octet_length(filename) <= 255),
    file_hash        text NOT NULL CHECK (file_hash ~ '^[0-9a-f]{64}$'),
    size_bytes       integer NOT NULL CHECK (size_bytes >= 0),
    content          bytea NOT NULL,
    -- Hash, size and mtime of the file at its source, by which sync recognizes it. They differ from `file_hash` and
    -- `size_bytes` when a player was anonymized in the archive, or when the file is larger than any round: of such a
    -- file only the first bytes are archived.
    source_hash      text NOT NULL CHECK (source_hash ~ '^[0-9a-f]{64}$'),
    source_size      bigint NOT NULL CHECK (source_size >= 0),
    source_mtime     bigint,
    success          boolean NOT NULL,
    duplicate_of     bigint REFERENCES processed_files (id) DEFERRABLE INITIALLY DEFERRED,
    error_message    text,
    error_line       integer,
    processed_at     timestamptz NOT NULL DEFAULT now(),
    rejected_hash    text CHECK (rejected_hash ~ '^[0-9a-f]{64}$'),
    -- NULL: as long as `rejected_content`, in rows from before the first release.
    rejected_size    bigint CHECK (rejected_size >= 0),
    rejected_content bytea,
    rejected_reason  text,
    rejected_line    integer,
    rejected_at      timestamptz,
    rejected_mtime   bigint,
    discarded_at     timestamptz,
    UNIQUE (server_id, filename),
    CHECK (success = (error_message IS NULL)),
    CHECK (success OR duplicate_of IS NULL),
    CHECK ((rejected_hash IS NULL) = (rejected_content IS NULL)),
    CHECK ((rejected_hash IS NULL) = (rejected_reason IS NULL))
);
-- A file is 1-4 KB; with the default target PostgreSQL would compress only the larger half of them.
ALTER TABLE processed_files SET (toast_tuple_target = 256);
CREATE INDEX processed_files_source_hash ON processed_files (server_id, source_hash);
CREATE INDEX processed_files_duplicate_of ON processed_files (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX processed_files_quarantine ON processed_files (id) WHERE NOT success OR rejected_hash IS NOT NULL;

-- 2. Corrections and identities

-- Decisions of an admin about the archive's contents. They are applied again by every rebuild and are undone by
-- setting `undone_at`. Subjects do not depend on the order of imports: a player is a GUID, a round is `SERVER/FILE`,
-- a series is its first round.
CREATE TABLE corrections (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at   timestamptz NOT NULL DEFAULT now(),
    kind      text NOT NULL CHECK (kind IN ('merge', 'split', 'void', 'unvoid', 'rename', 'team_name', 'exclude_map',
                                            'include_map')),
    subject   text NOT NULL CHECK (subject <> ''),
    value     text NOT NULL DEFAULT '',
    reason    text NOT NULL DEFAULT '',
    undone_at timestamptz CHECK (undone_at >= made_at)
);
CREATE INDEX corrections_active ON corrections (kind, subject) WHERE undone_at IS NULL;

-- GUIDs that stand for another one (merged players) or have a display name. A GUID without a row stands for itself.
CREATE TABLE player_identities (
    player_guid   text PRIMARY KEY CHECK (player_guid ~ '^[0-9A-F]{8}$'),
    identity_guid text NOT NULL CHECK (identity_guid ~ '^[0-9A-F]{8}$'),
    display_name  text CHECK (display_name <> '')
);
CREATE INDEX player_identities_identity ON player_identities (identity_guid);

CREATE TABLE player_links (
    discord_user_id bigint NOT NULL UNIQUE CHECK (discord_user_id > 0),
    player_guid     text NOT NULL UNIQUE,
    linked_at       timestamptz NOT NULL DEFAULT now(),
    wants_mention   boolean NOT NULL DEFAULT false
);

-- Players who are left out of leaderboards and posts. Rounds and team totals keep their numbers.
CREATE TABLE hidden_players (
    player_guid text PRIMARY KEY CHECK (player_guid ~ '^[0-9A-F]{8}$'),
    hidden_at   timestamptz NOT NULL DEFAULT now()
);

-- Anonymized players. They are recognized only by a slow keyed hash of the GUID (etstats/importer/anonymize.py).
CREATE TABLE forgotten_players (
    guid_hash      text PRIMARY KEY CHECK (guid_hash ~ '^[0-9a-f]{64}$'),
    pseudonym_guid text NOT NULL UNIQUE CHECK (pseudonym_guid ~ '^[0-9A-F]{8}$'),
    pseudonym      text NOT NULL UNIQUE CHECK (pseudonym <> ''),
    forgotten_at   timestamptz NOT NULL DEFAULT now()
);

-- The key of those hashes: one row, created by the first `forget`.
CREATE TABLE forgetting_key (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    key     bytea NOT NULL CHECK (octet_length(key) = 32)
);

-- 3. Rounds and what is derived from them

-- A gaming session. Its rounds refer to it; the view `gaming_sessions` has its start, end and counts.
CREATE TABLE sessions (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_id integer NOT NULL REFERENCES servers (id)
);

-- Consecutive matches of a session between the same two line-ups. Scores are NULL on servers without stopwatch.
CREATE TABLE series (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gaming_session_id bigint NOT NULL REFERENCES sessions (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    number            smallint NOT NULL CHECK (number >= 1),
    score1            smallint CHECK (score1 >= 0),
    score2            smallint CHECK (score2 >= 0),
    UNIQUE (gaming_session_id, number) DEFERRABLE INITIALLY DEFERRED,
    CHECK ((score1 IS NULL) = (score2 IS NULL))
);

CREATE TABLE series_teams (
    series_id   bigint NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    team        smallint NOT NULL CHECK (team IN (1, 2)),
    name        text NOT NULL CHECK (name <> ''),
    player_guid text NOT NULL CHECK (player_guid ~ '^[0-9A-F]{8}$'),
    PRIMARY KEY (series_id, player_guid)
);
CREATE INDEX series_teams_player ON series_teams (player_guid, series_id);

CREATE TABLE rounds (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_id           integer NOT NULL REFERENCES servers (id),
    file_id             bigint NOT NULL UNIQUE REFERENCES processed_files (id) ON DELETE CASCADE,
    match_id            text NOT NULL,
    round_number        smallint NOT NULL CHECK (round_number IN (1, 2)),
    round_date          date NOT NULL,
    round_time          time(0) NOT NULL,
    ended_at            timestamptz NOT NULL,
    map_name            text NOT NULL CHECK (map_name <> ''),
    config              text NOT NULL,
    defender_team       smallint NOT NULL CHECK (defender_team IN (1, 2)),
    winner_team         smallint NOT NULL CHECK (winner_team IN (0, 1, 2)),
    time_limit_seconds  integer NOT NULL CHECK (time_limit_seconds >= 0),
    actual_time_seconds integer CHECK (actual_time_seconds > 0),
    played_seconds      integer CHECK (played_seconds >= 0),
    -- How long the round was: the one value that tables, posts and pages show. NULL: unknown.
    duration_seconds    integer CHECK (duration_seconds > 0),
    -- What the defenders held until: the map's time limit, or the time set in round 1.
    held                text CHECK (held IN ('limit', 'set_time')),
    round_outcome       text NOT NULL CHECK (round_outcome IN ('completed', 'fullhold', 'surrender', 'unknown')),
    round1_id           bigint REFERENCES rounds (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    is_cumulative       boolean NOT NULL,
    gaming_session_id   bigint NOT NULL REFERENCES sessions (id) DEFERRABLE INITIALLY DEFERRED,
    series_id           bigint REFERENCES series (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    -- Lines of the file that are no identified person; they are not stored as players.
    bots                smallint NOT NULL DEFAULT 0 CHECK (bots >= 0),
    anonymous           smallint NOT NULL DEFAULT 0 CHECK (anonymous >= 0),
    -- False: voided, on an excluded map, or left out because of its bots.
    is_counted          boolean NOT NULL DEFAULT true,
    stored_at           timestamptz NOT NULL DEFAULT now(),
    -- Deferred, because pairs may change within a transaction.
    UNIQUE (server_id, match_id, round_number) DEFERRABLE INITIALLY DEFERRED,
    UNIQUE (round1_id) DEFERRABLE INITIALLY DEFERRED,
    CHECK (round_number = 2 OR (round1_id IS NULL AND NOT is_cumulative)),
    CHECK (round1_id IS NULL OR NOT is_cumulative),
    CHECK (round_outcome <> 'completed' OR winner_team NOT IN (0, defender_team)),
    CHECK (round_outcome NOT IN ('fullhold', 'surrender') OR winner_team = defender_team),
    CONSTRAINT rounds_held_only_when_held CHECK (held IS NULL OR round_outcome = 'fullhold')
);
CREATE INDEX rounds_server_ended ON rounds (server_id, ended_at);
CREATE INDEX rounds_ended ON rounds (ended_at);
CREATE INDEX rounds_map ON rounds (map_name, ended_at);
CREATE INDEX rounds_session ON rounds (gaming_session_id);
CREATE INDEX rounds_series ON rounds (series_id) WHERE series_id IS NOT NULL;

-- The numbers of one player in one round alone. A NULL is unknown: the file lacks the value, or it is unreadable.
-- Ratios are generated columns, so that they cannot disagree with the values they are computed from.
CREATE TABLE player_comprehensive_stats (
    round_id             bigint NOT NULL REFERENCES rounds (id) ON DELETE CASCADE,
    player_guid          text NOT NULL CHECK (player_guid ~ '^[0-9A-F]{8}$'),
    player_name          text NOT NULL,
    clean_name           text NOT NULL,
    team                 smallint NOT NULL CHECK (team IN (1, 2, 3)),
    was_reset            boolean NOT NULL,
    kills                integer NOT NULL,
    deaths               integer NOT NULL,
    headshots            integer NOT NULL,
    hits                 integer NOT NULL,
    shots                integer NOT NULL,
    bullets_fired        integer NOT NULL,
    damage_given         integer NOT NULL,
    damage_received      integer NOT NULL,
    team_damage_given    integer,
    team_damage_received integer,
    gibs                 integer,
    self_kills           integer,
    team_kills           integer,
    team_gibs            integer,
    time_played_seconds  integer NOT NULL,
    time_played_percent  numeric(5, 1) CHECK (time_played_percent BETWEEN 0 AND 100),
    xp                   integer,
    killing_spree_best   integer,
    death_spree_worst    integer,
    kill_assists         integer,
    kill_steals          integer,
    headshot_kills       integer,
    objectives_stolen    integer,
    objectives_returned  integer,
    dynamites_planted    integer,
    dynamites_defused    integer,
    times_revived        integer,
    tank_meatshield      numeric(12, 1),
    time_dead_minutes    numeric(12, 1),
    most_useful_kills    integer,
    denied_playtime      integer,
    double_kills         integer,
    triple_kills         integer,
    quad_kills           integer,
    multi_kills          integer,
    mega_kills           integer,
    useless_kills        integer,
    full_selfkills       integer,
    constructions        integer,
    revives_given        integer,
    time_played_minutes  double precision NOT NULL
        GENERATED ALWAYS AS (time_played_seconds / 60::double precision) STORED,
    time_dead_ratio      double precision
        GENERATED ALWAYS AS (CASE WHEN time_dead_minutes IS NULL THEN NULL WHEN time_played_seconds = 0 THEN 0
                             ELSE least(100, 6000 * time_dead_minutes::double precision / time_played_seconds) END) STORED,
    kd_ratio             double precision NOT NULL
        GENERATED ALWAYS AS (CASE WHEN deaths = 0 THEN kills ELSE kills::double precision / deaths END) STORED,
    dpm                  double precision NOT NULL
        GENERATED ALWAYS AS (CASE WHEN time_played_seconds = 0 THEN 0
                             ELSE 60::double precision * damage_given / time_played_seconds END) STORED,
    efficiency           double precision NOT NULL
        GENERATED ALWAYS AS (CASE WHEN kills + deaths = 0 THEN 0 ELSE 100::double precision * kills / (kills + deaths) END) STORED,
    accuracy             double precision NOT NULL
        GENERATED ALWAYS AS (CASE WHEN shots = 0 THEN 0 ELSE 100::double precision * hits / shots END) STORED,
    PRIMARY KEY (round_id, player_guid),
    -- One check for all counts, because it runs for each row of every import.
    CONSTRAINT counts_are_not_negative CHECK (least(
        kills, deaths, headshots, hits, shots, damage_given, damage_received, team_damage_given,
        team_damage_received, gibs, self_kills, team_kills, team_gibs, time_played_seconds,
        killing_spree_best, death_spree_worst, kill_assists, kill_steals, headshot_kills, objectives_stolen,
        objectives_returned, dynamites_planted, dynamites_defused, times_revived, most_useful_kills,
        denied_playtime, double_kills, triple_kills, quad_kills, multi_kills, mega_kills, useless_kills,
        full_selfkills, constructions, revives_given) >= 0),
    CHECK (time_dead_minutes >= 0),
    CHECK (bullets_fired >= shots)
);
-- With both columns of the weapons' foreign key: on an empty table the key's check may be planned for this index
-- instead of the primary key, and PostgreSQL keeps that plan through an import of thousands of files.
CREATE INDEX player_comprehensive_stats_guid ON player_comprehensive_stats (player_guid, round_id)
    INCLUDE (clean_name);

CREATE TABLE weapon_comprehensive_stats (
    round_id    bigint NOT NULL,
    player_guid text NOT NULL,
    weapon_name text NOT NULL,
    kills       integer NOT NULL,
    deaths      integer NOT NULL,
    headshots   integer NOT NULL,
    hits        integer NOT NULL,
    shots       integer NOT NULL,
    accuracy    double precision NOT NULL
        GENERATED ALWAYS AS (CASE WHEN shots = 0 THEN 0 ELSE 100::double precision * hits / shots END) STORED,
    PRIMARY KEY (round_id, player_guid, weapon_name),
    FOREIGN KEY (round_id, player_guid)
        REFERENCES player_comprehensive_stats (round_id, player_guid) ON DELETE CASCADE ON UPDATE CASCADE,
    CHECK (least(kills, deaths, headshots, hits, shots) >= 0),
    CHECK (greatest(kills, deaths, headshots, hits, shots) > 0),
    CHECK (headshots <= hits)
);

-- The two teams of a session's longest series: who played together, on whichever side.
CREATE TABLE session_teams (
    session_id  bigint NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    player_guid text NOT NULL,
    team        smallint NOT NULL CHECK (team IN (1, 2)),
    PRIMARY KEY (session_id, player_guid)
);

-- Compare what a statement stored with what it was meant to store: rounds; players, their kills and deaths; weapons,
-- their kills and deaths.
CREATE FUNCTION expect_totals(written bigint[], wanted bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF written IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'stored totals %, expected %', written, wanted
            USING ERRCODE = 'check_violation', CONSTRAINT = 'expect_totals';
    END IF;
END $$;

-- Names of players, maintained by the triggers below, so that every way of writing rounds updates them.
-- Several processes may import at once for different servers with the same players. The advisory lock is held until
-- the end of the transaction, so that each count includes what the others have committed.
CREATE TABLE player_aliases (
    guid       text NOT NULL,
    alias      text NOT NULL,
    times_seen integer NOT NULL CHECK (times_seen > 0),
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL CHECK (last_seen >= first_seen),
    PRIMARY KEY (guid, alias)
);

CREATE FUNCTION aliases_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('player_aliases'::regclass::oid::bigint);
    INSERT INTO player_aliases AS a (guid, alias, times_seen, first_seen, last_seen)
    SELECT n.player_guid, n.clean_name, count(*), min(r.ended_at), max(r.ended_at)
    FROM new_rows n JOIN rounds r ON r.id = n.round_id
    GROUP BY n.player_guid, n.clean_name
    ORDER BY n.player_guid, n.clean_name
    ON CONFLICT (guid, alias) DO UPDATE
    SET times_seen = a.times_seen + excluded.times_seen,
        first_seen = least(a.first_seen, excluded.first_seen),
        last_seen = greatest(a.last_seen, excluded.last_seen);
    RETURN NULL;
END $$;

-- Count again from the remaining rows. Rows are deleted only when a file is replaced or removed.
CREATE FUNCTION aliases_unseen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('player_aliases'::regclass::oid::bigint);
    DELETE FROM player_aliases a
    USING (SELECT DISTINCT player_guid, clean_name FROM old_rows) o
    WHERE a.guid = o.player_guid AND a.alias = o.clean_name;
    INSERT INTO player_aliases (guid, alias, times_seen, first_seen, last_seen)
    SELECT p.player_guid, p.clean_name, count(*), min(r.ended_at), max(r.ended_at)
    FROM (SELECT DISTINCT player_guid, clean_name FROM old_rows) o
    JOIN player_comprehensive_stats p USING (player_guid, clean_name)
    JOIN rounds r ON r.id = p.round_id
    GROUP BY p.player_guid, p.clean_name;
    RETURN NULL;
END $$;

CREATE TRIGGER aliases_seen AFTER INSERT ON player_comprehensive_stats
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION aliases_seen();
CREATE TRIGGER aliases_unseen AFTER DELETE ON player_comprehensive_stats
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION aliases_unseen();

-- The rating of a player after each match: mean and standard deviation, and the change by this match.
CREATE TABLE player_ratings (
    identity_guid text NOT NULL CHECK (identity_guid ~ '^[0-9A-F]{8}$'),
    server_id     integer NOT NULL REFERENCES servers (id),
    match_id      text NOT NULL,
    ended_at      timestamptz NOT NULL,
    mu            double precision NOT NULL,
    sigma         double precision NOT NULL CHECK (sigma > 0),
    delta         double precision NOT NULL,
    PRIMARY KEY (identity_guid, server_id, match_id)
);
CREATE INDEX player_ratings_ended ON player_ratings (ended_at);

-- 4. Posts

-- Rounds, maps and sessions of a server are posted when they ended at or after this time.
CREATE TABLE post_watermarks (
    server_id integer NOT NULL REFERENCES servers (id),
    kind      text NOT NULL CHECK (kind IN ('round', 'map', 'session')),
    since     timestamptz NOT NULL,
    PRIMARY KEY (server_id, kind)
);

-- Destinations that do not accept posts. The key is a hash of webhook and thread, so a changed setting is another
-- destination.
CREATE TABLE post_channels (
    channel     text PRIMARY KEY CHECK (channel ~ '^[0-9a-f]{32}$'),
    gone_at     timestamptz,
    gone_reason text,
    held_until  timestamptz,
    CHECK ((gone_at IS NULL) = (gone_reason IS NULL))
);

-- One row per post. The publisher commits the state 'sending' before the request leaves, so nothing is sent twice.
-- `subject` is a file, because files keep their ids through every rebuild: the file of the round, of the map's round 2,
-- of the first round of a session or digest.
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
    -- When the first and the last round of a digest or session ended.
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

-- The rounds, maps and sessions that a digest covers: they are not posted again, even if their times change because the
-- server's time zone was corrected.
CREATE TABLE digest_items (
    subject   bigint NOT NULL REFERENCES processed_files (id),
    kind      text NOT NULL CHECK (kind IN ('round', 'map', 'session')),
    digest_id bigint NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    PRIMARY KEY (subject, kind)
);
CREATE INDEX digest_items_digest ON digest_items (digest_id);

-- Sessions that changed since the publisher last checked them. They hold everything that is new or needs a correction,
-- so that a run with nothing to do does not read the whole history. `checked` = `changes`: the posts are up to date.
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

-- Posts are corrected when a player is hidden, shown again or anonymized.
CREATE FUNCTION sessions_of_player_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changed_sessions AS c (session_id)
    SELECT DISTINCT r.gaming_session_id
    FROM (SELECT DISTINCT player_guid FROM changed_rows) n
    JOIN player_comprehensive_stats p ON p.player_guid = n.player_guid
    JOIN rounds r ON r.id = p.round_id
    ORDER BY r.gaming_session_id
    ON CONFLICT (session_id) DO UPDATE SET changes = c.changes + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER player_hidden AFTER INSERT ON hidden_players
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_of_player_changed();
CREATE TRIGGER player_shown AFTER DELETE ON hidden_players
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_of_player_changed();
-- Rows of players are replaced when a round is written, and updated only when a player is anonymized.
CREATE TRIGGER player_forgotten AFTER UPDATE ON player_comprehensive_stats
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_of_player_changed();

-- 5. Operations

-- The state of each game server between runs: when it was last polled, what arrived, whether somebody plays there.
CREATE TABLE server_status (
    server_id    integer PRIMARY KEY REFERENCES servers (id),
    polled_at    timestamptz,
    new_file_at  timestamptz,
    missed       integer NOT NULL DEFAULT 0 CHECK (missed >= 0),
    missed_since timestamptz,
    queried_at   timestamptz,
    people       integer CHECK (people >= 0),
    -- Since when every query has found players.
    people_since timestamptz,
    CHECK ((missed = 0) = (missed_since IS NULL)),
    CHECK ((queried_at IS NULL) = (people IS NULL))
);

-- How many files there were of each kind, for `diagnose`. A row is a time interval in which a count had one value.
CREATE TABLE file_counts (
    server_id  integer NOT NULL REFERENCES servers (id),
    what       text NOT NULL CHECK (what <> ''),
    count      integer NOT NULL CHECK (count >= 0),
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL CHECK (last_seen >= first_seen),
    PRIMARY KEY (server_id, what, first_seen)
);

-- The listing state of a server's folder: an unchanged folder is not listed again, because everything in it was imported
-- into this database.
CREATE TABLE listing_states (
    server_id    integer PRIMARY KEY REFERENCES servers (id),
    source       text NOT NULL,
    folder_mtime bigint NOT NULL,
    -- Seconds since the epoch on our clock: when this mtime was first seen, when the last full listing began.
    first_seen   double precision NOT NULL,
    listed       double precision NOT NULL,
    -- Files that may still be written to: [[name, size, mtime], ...].
    recent       jsonb NOT NULL
);

-- 6. Functions and views for queries

-- The rounds of a query, defined in one place: every reading query starts from `rounds_in_scope`. Rounds that are not
-- counted are left out. NULL means no limit.
-- Both functions are inlined into the calling query, so a NULL costs nothing.
CREATE FUNCTION rounds_matching(since timestamptz, until timestamptz, map text, server text)
RETURNS SETOF rounds LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000 AS $$
    SELECT r.* FROM rounds r
    WHERE r.is_counted
      AND (since IS NULL OR r.ended_at >= since)
      AND (until IS NULL OR r.ended_at < until)
      AND (map IS NULL OR r.map_name = map)
      AND (server IS NULL OR r.server_id = (SELECT s.id FROM servers s WHERE s.name = server))
$$;

-- The newest gaming sessions among the matching rounds, found by walking back in time from session to session.
CREATE FUNCTION newest_sessions(since timestamptz, until timestamptz, map text, server text, most integer)
RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE walk AS (
        (SELECT ARRAY[m.gaming_session_id] AS seen, m.ended_at
         FROM rounds_matching(since, until, map, server) m
         ORDER BY m.ended_at DESC LIMIT 1)
        UNION ALL
        SELECT w.seen || n.gaming_session_id, n.ended_at
        FROM walk w CROSS JOIN LATERAL (
            SELECT m.gaming_session_id, m.ended_at
            FROM rounds_matching(since, until, map, server) m
            WHERE m.ended_at <= w.ended_at AND m.gaming_session_id <> ALL (w.seen)
            ORDER BY m.ended_at DESC LIMIT 1) n
        WHERE cardinality(w.seen) < most
    )
    SELECT seen FROM walk ORDER BY cardinality(seen) DESC LIMIT 1
$$;

-- `since` is inclusive, `until` exclusive. The last N rounds or sessions are taken from the matching rounds.
-- Arrays, because the planner expects few elements and uses the index.
CREATE FUNCTION rounds_in_scope(since timestamptz, until timestamptz, map text, server text,
                                last_rounds integer, last_sessions integer)
RETURNS SETOF rounds LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000 AS $$
    SELECT r.* FROM rounds_matching(since, until, map, server) r
    WHERE (last_rounds IS NULL OR r.id = ANY (ARRAY(
              SELECT m.id FROM rounds_matching(since, until, map, server) m
              ORDER BY m.ended_at DESC, m.id DESC LIMIT last_rounds)))
      AND (last_sessions IS NULL OR r.gaming_session_id = ANY (
              newest_sessions(since, until, map, server, last_sessions)))
$$;

-- The weapons that count for accuracy and headshot percentage.
CREATE FUNCTION is_bullet_weapon(weapon text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT weapon IN ('LUGER', 'COLT', 'MP40', 'THOMPSON', 'STEN', 'FG42', 'MG42', 'BROWNING', 'CARBINE', 'KAR98',
                      'GARAND', 'K43', 'MP34')
$$;

-- Headshots by other weapons (hardly any): subtracted from a player's headshots for the percentage.
CREATE INDEX weapon_comprehensive_stats_odd_headshots
    ON weapon_comprehensive_stats (round_id, player_guid) INCLUDE (headshots)
    WHERE headshots > 0 AND NOT is_bullet_weapon(weapon_name);

-- The present name of a player, with and without colours: the name in the last round.
CREATE FUNCTION names_of(guid text)
RETURNS TABLE (player_name text, clean_name text) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT p.player_name, p.clean_name
    FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id
    WHERE r.ended_at = (SELECT max(a.last_seen) FROM player_aliases a WHERE a.guid = names_of.guid)
      AND p.player_guid = names_of.guid
    ORDER BY r.server_id LIMIT 1
$$;

-- The values of a round that can be records. DPM and accuracy are in tenths, so that all values are integers.
CREATE VIEW player_feats AS
SELECT p.round_id, p.player_guid, p.time_played_seconds, p.shots,
       p.kills, p.damage_given AS damage, round(p.dpm * 10)::integer AS dpm,
       round(p.accuracy * 10)::integer AS accuracy, p.headshot_kills, p.killing_spree_best AS spree,
       p.double_kills + p.triple_kills + p.quad_kills + p.multi_kills + p.mega_kills AS multikills,
       p.gibs, p.revives_given AS revives, p.kill_assists AS assists,
       p.objectives_stolen + p.objectives_returned + p.dynamites_planted + p.dynamites_defused AS objectives,
       p.most_useful_kills AS useful, p.xp
FROM player_comprehensive_stats p;

-- One row per match and player: both rounds together, rounds that are not counted left out. A round 2 is cumulative
-- only when its round 1 is missing, so nothing is counted twice.
CREATE VIEW match_summaries AS
SELECT r.server_id, r.match_id, min(r.map_name) AS map_name, max(r.ended_at) AS ended_at,
       count(*)::integer AS rounds, bool_or(r.is_cumulative) AS is_cumulative,
       min(r.gaming_session_id) AS gaming_session_id, p.player_guid,
       (array_agg(p.player_name ORDER BY r.round_number DESC))[1] AS player_name,
       (array_agg(p.clean_name ORDER BY r.round_number DESC))[1] AS clean_name,
       -- A team is named by its side in round 1.
       (array_agg(CASE WHEN r.round_number = 2 AND p.team < 3 THEN 3 - p.team ELSE p.team END
                  ORDER BY r.round_number))[1] AS team,
       sum(p.kills) AS kills, sum(p.deaths) AS deaths, sum(p.headshots) AS headshots,
       sum(p.headshot_kills) AS headshot_kills, sum(p.hits) AS hits, sum(p.shots) AS shots,
       sum(p.bullets_fired) AS bullets_fired, sum(p.damage_given) AS damage_given,
       sum(p.damage_received) AS damage_received, sum(p.team_damage_given) AS team_damage_given,
       sum(p.team_damage_received) AS team_damage_received, sum(p.gibs) AS gibs,
       sum(p.self_kills) AS self_kills, sum(p.team_kills) AS team_kills, sum(p.team_gibs) AS team_gibs,
       sum(p.time_played_seconds) AS time_played_seconds, sum(p.time_dead_minutes) AS time_dead_minutes,
       sum(p.xp) AS xp, max(p.killing_spree_best) AS killing_spree_best,
       max(p.death_spree_worst) AS death_spree_worst, sum(p.kill_assists) AS kill_assists,
       sum(p.kill_steals) AS kill_steals, sum(p.objectives_stolen) AS objectives_stolen,
       sum(p.objectives_returned) AS objectives_returned, sum(p.dynamites_planted) AS dynamites_planted,
       sum(p.dynamites_defused) AS dynamites_defused, sum(p.times_revived) AS times_revived,
       sum(p.revives_given) AS revives_given, sum(p.most_useful_kills) AS most_useful_kills,
       sum(p.useless_kills) AS useless_kills, sum(p.full_selfkills) AS full_selfkills,
       sum(p.denied_playtime) AS denied_playtime, sum(p.constructions) AS constructions,
       sum(p.double_kills) AS double_kills, sum(p.triple_kills) AS triple_kills,
       sum(p.quad_kills) AS quad_kills, sum(p.multi_kills) AS multi_kills, sum(p.mega_kills) AS mega_kills,
       CASE WHEN sum(p.deaths) = 0 THEN sum(p.kills) ELSE sum(p.kills)::double precision / sum(p.deaths) END
           AS kd_ratio,
       CASE WHEN sum(p.time_played_seconds) = 0 THEN 0
            ELSE 60.0 * sum(p.damage_given) / sum(p.time_played_seconds) END::double precision AS dpm,
       CASE WHEN sum(p.kills + p.deaths) = 0 THEN 0
            ELSE 100.0 * sum(p.kills) / sum(p.kills + p.deaths) END::double precision AS efficiency,
       CASE WHEN sum(p.shots) = 0 THEN 0
            ELSE 100.0 * sum(p.hits) / sum(p.shots) END::double precision AS accuracy
FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id
WHERE r.is_counted
GROUP BY r.server_id, r.match_id, p.player_guid;

CREATE VIEW gaming_sessions AS
SELECT r.gaming_session_id AS id, s.name AS server, r.server_id,
       min(r.ended_at - make_interval(secs => coalesce(r.played_seconds, r.actual_time_seconds, 0))) AS start,
       max(r.ended_at) AS "end", count(*)::integer AS rounds,
       count(DISTINCT r.match_id)::integer AS maps,
       (SELECT count(DISTINCT p.player_guid)::integer
        FROM rounds x JOIN player_comprehensive_stats p ON p.round_id = x.id
        WHERE x.gaming_session_id = r.gaming_session_id) AS players
FROM rounds r JOIN servers s ON s.id = r.server_id
GROUP BY r.gaming_session_id, s.name, r.server_id;
