-- The schema of etstats.
--
-- 1. Archive: servers, processed_files          what the game servers wrote
-- 2. Corrections and identities                 decisions of admins and players
-- 3. Rounds, sessions, series, ratings          derived from 1 and 2; `etstats rebuild` recomputes all of it
-- 4. Posts                                      what was sent to Discord
-- 5. Operations                                 state of polling, counts of files
-- 6. Sealed periods                             sums of past months and years, derived from 3
-- 7. Functions and views that the queries use

-- 1. Archive

CREATE TABLE servers (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name <> ''),
    -- As last configured; a server that was removed from the settings keeps its time zone. NULL: never configured.
    timezone   text CHECK (timezone <> ''),
    -- As last configured; true where it was not. False: every file is a match of its own (objective, ...).
    stopwatch  boolean NOT NULL DEFAULT true,
    -- Which rounds with bots count, and whether they set records, ratings and achievements; as last configured.
    bot_rounds  text NOT NULL DEFAULT 'humans' CHECK (bot_rounds IN ('humans', 'all', 'none')),
    bot_records boolean NOT NULL DEFAULT false,
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
-- a series is its first round. Value: of a merge the GUID that the player becomes, of a rename the name, of a team
-- name `TEAM NAME` with the number of the team.
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

-- GUIDs of merged players, and GUIDs with a display name; derived from the corrections. A GUID without a row stands for
-- itself; every GUID of a merged player has a row, the one that stands for the others too.
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
    -- The team of the series that was Axis in this round.
    axis_team           smallint CHECK (axis_team IN (1, 2)),
    -- Lines of the file without an identified person; they are not stored as players.
    bots                smallint NOT NULL DEFAULT 0 CHECK (bots >= 0),
    anonymous           smallint NOT NULL DEFAULT 0 CHECK (anonymous >= 0),
    -- Left out by a correction: voided, or on an excluded map.
    is_voided           boolean NOT NULL DEFAULT false,
    has_enough_humans   boolean NOT NULL DEFAULT true,
    -- A cumulative round 2 whose counters hold a round 1 that another round 2 has as its own.
    is_repeat           boolean NOT NULL DEFAULT false,
    -- False: boards, posts, series and ratings leave the round out.
    is_counted          boolean NOT NULL GENERATED ALWAYS AS (has_enough_humans AND NOT is_voided AND NOT is_repeat) STORED,
    stored_at           timestamptz NOT NULL DEFAULT now(),
    -- Deferred, because pairs may change within a transaction.
    UNIQUE (server_id, match_id, round_number) DEFERRABLE INITIALLY DEFERRED,
    UNIQUE (round1_id) DEFERRABLE INITIALLY DEFERRED,
    CHECK (round_number = 2 OR (round1_id IS NULL AND NOT is_cumulative)),
    CHECK (round1_id IS NULL OR NOT is_cumulative),
    CHECK (is_cumulative OR NOT is_repeat),
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

-- Rounds in which several GUIDs of one person play. In such a round each of them stands for itself. `correct merge`
-- refuses such pairs, so rows come only from files that arrive later; the trigger below adds them.
CREATE TABLE identity_conflicts (
    round_id    bigint NOT NULL,
    player_guid text NOT NULL,
    PRIMARY KEY (round_id, player_guid),
    FOREIGN KEY (round_id, player_guid)
        REFERENCES player_comprehensive_stats (round_id, player_guid) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE FUNCTION conflicts_arise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM player_identities WHERE player_guid <> identity_guid) THEN
        INSERT INTO identity_conflicts (round_id, player_guid)
        SELECT n.round_id, n.player_guid
        FROM new_rows n JOIN player_identities i ON i.player_guid = n.player_guid
        WHERE EXISTS (SELECT FROM player_identities o
                      JOIN player_comprehensive_stats p ON p.round_id = n.round_id AND p.player_guid = o.player_guid
                      WHERE o.identity_guid = i.identity_guid AND o.player_guid <> n.player_guid)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER conflicts_arise AFTER INSERT ON player_comprehensive_stats
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION conflicts_arise();

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

-- The rating of a player after each match: mean and standard deviation, the change by this match, and the state from
-- which the next match goes on. `position` is that of the match in `rated_matches`.
CREATE TABLE player_ratings (
    identity_guid         text NOT NULL CHECK (identity_guid ~ '^[0-9A-F]{8}$'),
    -- References nothing: the match in `rated_matches` does, and another check for each row costs time.
    server_id             integer NOT NULL,
    match_id              text NOT NULL,
    ended_at              timestamptz NOT NULL,
    mu                    double precision NOT NULL,
    sigma                 double precision NOT NULL CHECK (sigma > 0),
    delta                 double precision NOT NULL,
    position              integer NOT NULL CHECK (position > 0),
    performance           double precision NOT NULL,
    performance_variance  double precision NOT NULL CHECK (performance_variance > 0),
    contribution          double precision NOT NULL,
    contribution_variance double precision NOT NULL CHECK (contribution_variance > 0),
    trust                 double precision NOT NULL,
    rounds                integer NOT NULL CHECK (rounds >= 0),
    -- The side of the player's team in round 1 (1 Axis, 2 Allies); NULL: changed the team within the match.
    side                  smallint CHECK (side IN (1, 2)),
    PRIMARY KEY (identity_guid, position)
);
CREATE INDEX player_ratings_position ON player_ratings (position);

-- The matches in the order in which they were rated (1, 2, ...), how each was predicted from earlier ones, and the
-- state of what is not a player's. `chance` and `result` are those of round 1's Axis; both are NULL without a result.
CREATE TABLE rated_matches (
    position                 integer PRIMARY KEY CHECK (position > 0),
    server_id                integer NOT NULL REFERENCES servers (id),
    match_id                 text NOT NULL,
    ended_at                 timestamptz NOT NULL,
    map_name                 text NOT NULL,
    chance                   double precision CHECK (chance BETWEEN 0 AND 1),
    result                   double precision CHECK (result IN (0, 0.5, 1)),
    -- What the ratings say of round 1's Axis before the match, in log odds; NULL: a side was empty.
    advantage                double precision,
    map_attack_bias          double precision NOT NULL,
    map_attack_bias_variance double precision NOT NULL,
    map_edge_sum             double precision NOT NULL,
    map_edge_rounds          integer NOT NULL,
    any_attack_bias          double precision NOT NULL,
    any_attack_bias_variance double precision NOT NULL,
    any_edge_sum             double precision NOT NULL,
    any_edge_rounds          integer NOT NULL,
    slope                    double precision NOT NULL,
    slope_variance           double precision NOT NULL,
    trust                    double precision NOT NULL,
    trust_variance           double precision NOT NULL,
    UNIQUE (server_id, match_id),
    CHECK ((chance IS NULL) = (result IS NULL))
);
CREATE INDEX rated_matches_ended ON rated_matches (ended_at);
CREATE INDEX rated_matches_map ON rated_matches (map_name, position);

-- Matches that changed since they were rated, with the end of the changed round: a log that the next rating empties.
CREATE TABLE unrated_matches (
    server_id integer NOT NULL,
    match_id  text NOT NULL,
    ended_at  timestamptz NOT NULL
);

-- 4. Posts

-- Rounds, maps and sessions of a server are posted when they ended at or after this time.
CREATE TABLE post_watermarks (
    server_id integer NOT NULL REFERENCES servers (id),
    kind      text NOT NULL CHECK (kind IN ('round', 'map', 'session')),
    since     timestamptz NOT NULL,
    PRIMARY KEY (server_id, kind)
);

-- Destinations that do not accept posts. The key is a hash of webhook and thread, so a changed setting is another
-- destination. Discord limits edits apart from posts, so each purpose has a row of its own.
CREATE TABLE channel_states (
    channel    text NOT NULL CHECK (channel ~ '^[0-9a-f]{32}$'),
    purpose    text NOT NULL CHECK (purpose IN ('post', 'edit')),
    -- When Discord answered that the webhook does not exist, and when it was asked again.
    gone_at    timestamptz,
    checked_at timestamptz,
    held_until timestamptz,
    -- Failures in a row: each makes the next pause longer.
    troubles   integer NOT NULL DEFAULT 0 CHECK (troubles >= 0),
    reason     text NOT NULL DEFAULT '',
    PRIMARY KEY (channel, purpose),
    CHECK (reason <> '' OR (gone_at IS NULL AND troubles = 0))
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
    -- The form it was sent in; a message keeps its form when the setting changes.
    style       text NOT NULL DEFAULT 'full' CHECK (style IN ('compact', 'full')),
    -- The message of a round 2 and of its map: neither gets another one.
    is_combined boolean NOT NULL DEFAULT false,
    -- What the message compares with earlier rounds, as of its first sending. It is not part of the fingerprint.
    history     jsonb,
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

-- Messages that are about no file: live status, recaps, findings of `health`. One row per message, written before the
-- request leaves, as in `posts`. `subject` is what the message is about: a server's id, `2025-W40`, a day.
CREATE TABLE notices (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('status', 'game_on', 'session_start', 'recap_week', 'recap_month', 'season',
                                              'morning', 'on_this_day', 'admin')),
    subject     text NOT NULL CHECK (subject <> ''),
    server_id   integer REFERENCES servers (id),
    channel     text NOT NULL CHECK (channel ~ '^[0-9a-f]{32}$'),
    state       text NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'unknown')),
    message_id  text,
    thread_id   text,
    fingerprint text,
    reason      text NOT NULL DEFAULT '',
    attempts    integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- Who is shown has changed since the message was sent.
    is_outdated boolean NOT NULL DEFAULT false,
    -- When players were last seen, for messages that are sent once per session.
    last_at     timestamptz,
    created_at  timestamptz NOT NULL,
    claimed_at  timestamptz,
    sent_at     timestamptz,
    edited_at   timestamptz,
    UNIQUE (kind, subject),
    CHECK (message_id IS NULL OR state = 'sent'),
    CHECK (state NOT IN ('failed', 'unknown') OR reason <> '')
);
CREATE INDEX notices_open ON notices (state) WHERE state <> 'sent';
CREATE INDEX notices_outdated ON notices (id) WHERE is_outdated;

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
    INSERT INTO unrated_matches SELECT server_id, match_id, ended_at FROM changed_rows;
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
    UPDATE notices SET is_outdated = true
    WHERE state = 'sent' AND kind IN ('recap_week', 'recap_month', 'season', 'morning', 'on_this_day');
    INSERT INTO changed_sessions AS c (session_id)
    SELECT DISTINCT r.gaming_session_id
    FROM (SELECT DISTINCT player_guid FROM changed_rows) n
    JOIN player_comprehensive_stats p ON p.player_guid = n.player_guid
    JOIN rounds r ON r.id = p.round_id
    ORDER BY r.gaming_session_id
    ON CONFLICT (session_id) DO UPDATE SET changes = c.changes + 1;
    INSERT INTO unrated_matches
    SELECT r.server_id, r.match_id, r.ended_at
    FROM (SELECT DISTINCT player_guid FROM changed_rows) n
    JOIN player_comprehensive_stats p ON p.player_guid = n.player_guid
    JOIN rounds r ON r.id = p.round_id
    ORDER BY r.ended_at LIMIT 1;
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
    -- The first of the consecutive queries that found players.
    people_since timestamptz,
    -- Names in the last listing that end like a round file and were not accepted.
    refused_names text[] NOT NULL DEFAULT '{}',
    -- Last new files whose mtime is on another day than the date in the name.
    misdated_names text[] NOT NULL DEFAULT '{}',
    -- Why the server cannot be polled now.
    failure      text,
    failed_since timestamptz,
    -- The login or the host key was refused: an administrator must act.
    is_refused   boolean NOT NULL DEFAULT false,
    CHECK ((failure IS NULL) = (failed_since IS NULL)),
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

-- 6. Sealed periods

-- Months, years and all past years (in the server's time zone) of a server whose sums are stored in the tables below.
-- They hold what the rounds hold: the triggers delete the row of a period, with its sums, as soon as one of its rounds
-- changes, and queries read the rounds of every period without a row. Rounds that are not counted are left out.
-- The period of server 0 is of all servers, from the beginning until a moment at which no gaming session goes on: it
-- has careers.
CREATE TABLE sealed (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_id      integer NOT NULL,
    -- 0 a month, 1 a year, 2 all past years. A year is made of its months, all past years of the years.
    level          smallint NOT NULL CHECK (level IN (0, 1, 2)),
    start          timestamptz NOT NULL,
    stop           timestamptz NOT NULL CHECK (stop > start),
    -- Gaming sessions with rounds in this period and outside of it: sealed_sessions and sealed_awards leave them out.
    split_sessions bigint[] NOT NULL,
    -- How many gaming sessions there are besides.
    sessions       bigint NOT NULL,
    UNIQUE (server_id, level, start)
);

-- The months or years (`unit`) of a server's time zone, from that with `first` until that with `last`.
CREATE FUNCTION calendar_of(server_id integer, unit text, first timestamptz, last timestamptz)
RETURNS TABLE (start timestamptz, stop timestamptz) LANGUAGE sql STABLE AS $$
    SELECT l.start AT TIME ZONE z.name, (l.start + ('1 ' || unit)::interval) AT TIME ZONE z.name
    FROM (SELECT coalesce(s.timezone, 'UTC') AS name FROM servers s WHERE s.id = calendar_of.server_id) z
    CROSS JOIN LATERAL generate_series(date_trunc(unit, first AT TIME ZONE z.name), last AT TIME ZONE z.name,
                                       ('1 ' || unit)::interval) l (start)
$$;

-- The months of a sealed year, or the years of all past years.
CREATE FUNCTION parts_of(sealed_id integer) RETURNS SETOF sealed LANGUAGE sql STABLE AS $$
    SELECT p.* FROM sealed d
    JOIN sealed p ON p.server_id = d.server_id AND p.level = d.level - 1 AND p.start >= d.start AND p.start < d.stop
    WHERE d.id = parts_of.sealed_id
$$;

-- Sums by person. Persons are those at the time of sealing; merges and splits unseal. Sums and values are those of
-- etstats/db/sums.py.
CREATE TABLE sealed_players (
    sealed_id              integer NOT NULL,
    player_guid            text NOT NULL,
    -- Bits of the rounds: 1 with bots; 2 gibs, 4 XP, 8 assists, 16 revives, 32 denied playtime unknown.
    flags                  smallint NOT NULL,
    rounds                 bigint NOT NULL,
    first_seen             timestamptz NOT NULL,
    last_seen              timestamptz NOT NULL,
    won                    bigint NOT NULL,
    lost                   bigint NOT NULL,
    kills                  bigint NOT NULL,
    deaths                 bigint NOT NULL,
    hits                   bigint NOT NULL,
    shots                  bigint NOT NULL,
    headshots              bigint NOT NULL,
    bullet_headshots       bigint NOT NULL,
    headshot_kills         bigint,
    kills_of_single_rounds bigint,
    damage_given           bigint NOT NULL,
    damage_received        bigint NOT NULL,
    team_damage_given      bigint,
    time_played_seconds    bigint NOT NULL,
    clocked_seconds        bigint,
    alive_seconds          bigint,
    clocked_damage         bigint,
    gibs                   bigint,
    self_kills             bigint,
    team_kills             bigint,
    xp                     bigint,
    kill_assists           bigint,
    objectives             bigint NOT NULL,
    multikills             bigint NOT NULL,
    revives_given          bigint,
    times_revived          bigint,
    useful_kills           bigint,
    useless_kills          bigint,
    denied_playtime        bigint,
    killing_spree_best     integer,
    -- With cumulative rounds.
    all_won                bigint NOT NULL,
    all_lost               bigint NOT NULL,
    all_headshot_kills     bigint,
    all_useful_kills       bigint,
    dynamites_planted      bigint,
    dynamites_defused      bigint,
    documents              bigint NOT NULL,
    constructions          bigint,
    large_multikills       bigint NOT NULL,
    -- The bests of single rounds, as in sealed_maps.
    record_kills           bigint,
    record_damage          bigint,
    record_dpm             bigint,
    record_accuracy        bigint,
    record_headshot_kills  bigint,
    record_spree           bigint,
    record_multikills      bigint,
    record_gibs            bigint,
    record_revives         bigint,
    record_assists         bigint,
    record_objectives      bigint,
    record_useful          bigint,
    record_xp              bigint,
    best_dpm               double precision,
    attack_rounds          bigint NOT NULL,
    attack_won             bigint NOT NULL,
    attack_lost            bigint NOT NULL,
    attack_kills           bigint,
    attack_deaths          bigint,
    attack_damage          bigint,
    attack_seconds         bigint,
    defence_rounds         bigint NOT NULL,
    defence_won            bigint NOT NULL,
    defence_lost           bigint NOT NULL,
    defence_kills          bigint,
    defence_deaths         bigint,
    defence_damage         bigint,
    defence_seconds        bigint,
    PRIMARY KEY (sealed_id, player_guid, flags)
);
CREATE INDEX sealed_players_player ON sealed_players (player_guid, sealed_id);

-- The same by map, of all past years. Of one map, months and years are read from their rounds: sums of those would
-- be many, and hardly fewer than the rows of the rounds.
CREATE TABLE sealed_player_maps (
    sealed_id              integer NOT NULL,
    map_name               text NOT NULL,
    player_guid            text NOT NULL,
    flags                  smallint NOT NULL,
    rounds                 integer NOT NULL,
    first_seen             timestamptz NOT NULL,
    last_seen              timestamptz NOT NULL,
    won                    integer NOT NULL,
    lost                   integer NOT NULL,
    kills                  integer NOT NULL,
    deaths                 integer NOT NULL,
    hits                   integer NOT NULL,
    shots                  integer NOT NULL,
    headshots              integer NOT NULL,
    bullet_headshots       integer NOT NULL,
    headshot_kills         integer,
    kills_of_single_rounds integer,
    damage_given           integer NOT NULL,
    damage_received        integer NOT NULL,
    team_damage_given      integer,
    time_played_seconds    integer NOT NULL,
    clocked_seconds        integer,
    alive_seconds          integer,
    clocked_damage         integer,
    gibs                   integer,
    self_kills             integer,
    team_kills             integer,
    xp                     integer,
    kill_assists           integer,
    objectives             integer NOT NULL,
    multikills             integer NOT NULL,
    revives_given          integer,
    times_revived          integer,
    useful_kills           integer,
    useless_kills          integer,
    denied_playtime        integer,
    killing_spree_best     integer,
    all_won                integer NOT NULL,
    all_lost               integer NOT NULL,
    PRIMARY KEY (sealed_id, map_name, player_guid, flags)
);
CREATE INDEX sealed_player_maps_player ON sealed_player_maps (player_guid, sealed_id);

-- Sums by weapon and person; the row with an empty GUID counts the rounds in which anybody used the weapon.
CREATE TABLE sealed_weapons (
    sealed_id   integer NOT NULL,
    weapon_name text NOT NULL,
    player_guid text NOT NULL,
    rounds      bigint NOT NULL,
    last_seen   timestamptz NOT NULL,
    kills       bigint NOT NULL,
    deaths      bigint NOT NULL,
    hits        bigint NOT NULL,
    shots       bigint NOT NULL,
    headshots   bigint NOT NULL,
    PRIMARY KEY (sealed_id, weapon_name, player_guid)
);
CREATE INDEX sealed_weapons_player ON sealed_weapons (player_guid, sealed_id);

-- Rounds by map, and the bests of everybody who is not hidden with how early they were, as in the query round_records.
-- Matches are those of gaming sessions that do not go on outside of the period.
CREATE TABLE sealed_maps (
    sealed_id              integer NOT NULL,
    map_name               text NOT NULL,
    matches                bigint NOT NULL,
    rounds                 bigint NOT NULL,
    decided                bigint NOT NULL,
    attacks_won            bigint NOT NULL,
    attacks_timed          bigint NOT NULL,
    attack_seconds         bigint,
    best_attack_seconds    integer,
    full_holds             bigint NOT NULL,
    limit_holds            bigint NOT NULL,
    set_time_holds         bigint NOT NULL,
    surrenders             bigint NOT NULL,
    last_played            timestamptz NOT NULL,
    played_seconds         bigint,
    record_kills           bigint,
    record_damage          bigint,
    record_dpm             bigint,
    record_accuracy        bigint,
    record_headshot_kills  bigint,
    record_spree           bigint,
    record_multikills      bigint,
    record_gibs            bigint,
    record_revives         bigint,
    record_assists         bigint,
    record_objectives      bigint,
    record_useful          bigint,
    record_xp              bigint,
    -- The bests of what a person did on the map in one gaming session, of the same sessions as the matches.
    session_kills          bigint,
    session_damage         bigint,
    session_dpm            bigint,
    session_headshot_kills bigint,
    session_multikills     bigint,
    session_gibs           bigint,
    session_revives        bigint,
    session_assists        bigint,
    session_objectives     bigint,
    session_useful         bigint,
    session_xp             bigint,
    PRIMARY KEY (sealed_id, map_name)
);

-- The best whole gaming sessions of each person, as in the query session_records; the row with an empty GUID has the
-- bests of everybody who is not hidden.
CREATE TABLE sealed_sessions (
    sealed_id             integer NOT NULL,
    player_guid           text NOT NULL,
    record_kills          bigint,
    record_damage         bigint,
    record_dpm            bigint,
    record_headshot_kills bigint,
    record_multikills     bigint,
    record_gibs           bigint,
    record_revives        bigint,
    record_assists        bigint,
    record_objectives     bigint,
    record_useful         bigint,
    record_xp             bigint,
    PRIMARY KEY (sealed_id, player_guid)
);

-- How often each person took each award and was the MVP, and the best values, NULL for none, in the order of
-- etstats/db/sums.py. Gaming sessions that go on outside of the period are left out.
CREATE TABLE sealed_awards (
    sealed_id   integer NOT NULL,
    player_guid text NOT NULL,
    times       integer[] NOT NULL,
    bests       double precision[] NOT NULL,
    PRIMARY KEY (sealed_id, player_guid)
);

-- Careers: the sums that achievements are of, in their order, and when each threshold was reached.
CREATE TABLE sealed_careers (
    sealed_id   integer NOT NULL,
    player_guid text NOT NULL,
    totals      bigint[] NOT NULL,
    PRIMARY KEY (sealed_id, player_guid)
);
CREATE TABLE sealed_steps (
    sealed_id   integer NOT NULL,
    player_guid text NOT NULL,
    key         text NOT NULL,
    threshold   bigint NOT NULL,
    reached_on  timestamptz NOT NULL,
    PRIMARY KEY (sealed_id, player_guid, key, threshold)
);

-- Delete sealed periods with their sums.
CREATE FUNCTION unseal(periods integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF periods <> '{}' THEN
        DELETE FROM sealed_players WHERE sealed_id = ANY (periods);
        DELETE FROM sealed_player_maps WHERE sealed_id = ANY (periods);
        DELETE FROM sealed_weapons WHERE sealed_id = ANY (periods);
        DELETE FROM sealed_maps WHERE sealed_id = ANY (periods);
        DELETE FROM sealed_sessions WHERE sealed_id = ANY (periods);
        DELETE FROM sealed_awards WHERE sealed_id = ANY (periods);
        DELETE FROM sealed_careers WHERE sealed_id = ANY (periods);
        DELETE FROM sealed_steps WHERE sealed_id = ANY (periods);
        DELETE FROM sealed WHERE id = ANY (periods);
    END IF;
END $$;

-- A transaction that changes rounds of a server holds this lock shared until its end; sealing holds it exclusively, so
-- that no period is sealed while its rounds change.
CREATE FUNCTION seal_lock() RETURNS integer LANGUAGE sql STABLE AS $$ SELECT 'sealed'::regclass::oid::bigint::bit(32)::integer $$;

-- The periods of the changed rounds, and those of the other rounds of their gaming sessions: whether a session goes on
-- outside of a period may have changed.
CREATE FUNCTION unseal_rounds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(seal_lock(), c.server_id)
    FROM (SELECT DISTINCT server_id FROM changed_rows ORDER BY server_id) c;
    IF EXISTS (SELECT FROM sealed) THEN
        PERFORM unseal(ARRAY(
            WITH changed AS MATERIALIZED (
                SELECT server_id, min(ended_at) AS first, max(ended_at) AS last
                FROM (SELECT server_id, ended_at FROM changed_rows
                      UNION ALL
                      SELECT r.server_id, r.ended_at
                      FROM rounds r WHERE r.gaming_session_id IN (SELECT c.gaming_session_id FROM changed_rows c)) c
                GROUP BY server_id, date_trunc('month', ended_at, 'UTC')
            )
            SELECT s.id FROM changed c
            JOIN sealed s ON s.server_id IN (c.server_id, 0) AND s.start <= c.last AND s.stop > c.first));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER unseal_new AFTER INSERT ON rounds
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_rounds();
CREATE TRIGGER unseal_changed AFTER UPDATE ON rounds
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_rounds();
CREATE TRIGGER unseal_former AFTER UPDATE ON rounds
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_rounds();
CREATE TRIGGER unseal_gone AFTER DELETE ON rounds
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_rounds();

-- Unseal the periods in which these GUIDs play: they belong to another person now, or were anonymized.
CREATE FUNCTION unseal_players(guids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(seal_lock(), id) FROM servers ORDER BY id;
    PERFORM unseal(ARRAY(
        SELECT s.id
        FROM (SELECT r.server_id, min(r.ended_at) AS first, max(r.ended_at) AS last
              FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
              WHERE p.player_guid = ANY (guids)
              GROUP BY r.server_id, date_trunc('month', r.ended_at, 'UTC')) c
        JOIN sealed s ON s.server_id IN (c.server_id, 0) AND s.start <= c.last AND s.stop > c.first));
END $$;

-- Also the person's other GUIDs: with one of them hidden, all are.
CREATE FUNCTION unseal_persons() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unseal_players(guids_of(ARRAY(
        SELECT DISTINCT g.guid FROM changed_rows c, unnest(ARRAY[c.player_guid, c.identity_guid]) g (guid)
        WHERE c.player_guid <> c.identity_guid)));
    RETURN NULL;
END $$;

CREATE TRIGGER unseal_merged AFTER INSERT ON player_identities
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_persons();
CREATE TRIGGER unseal_remerged AFTER UPDATE ON player_identities
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_persons();
CREATE TRIGGER unseal_formerly_merged AFTER UPDATE ON player_identities
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_persons();
CREATE TRIGGER unseal_split AFTER DELETE ON player_identities
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_persons();

CREATE FUNCTION unseal_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unseal_players(ARRAY(SELECT DISTINCT player_guid FROM changed_rows));
    RETURN NULL;
END $$;

CREATE TRIGGER unseal_anonymized AFTER UPDATE ON player_comprehensive_stats
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_lines();

-- The bests of everybody leave hidden persons out, under whatever GUID they are hidden.
CREATE FUNCTION unseal_hidden() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unseal_players(guids_of(ARRAY(SELECT DISTINCT person_of(player_guid) FROM changed_rows)));
    RETURN NULL;
END $$;

CREATE TRIGGER unseal_hidden AFTER INSERT ON hidden_players
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_hidden();
CREATE TRIGGER unseal_moved AFTER UPDATE ON hidden_players
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_hidden();
CREATE TRIGGER unseal_formerly_hidden AFTER UPDATE ON hidden_players
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_hidden();
CREATE TRIGGER unseal_shown AFTER DELETE ON hidden_players
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION unseal_hidden();

-- Whether rounds with bots set records, whether a round 1 alone is a map, and when months begin are settings of the
-- server.
CREATE FUNCTION unseal_server() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(seal_lock(), new.id);
    PERFORM unseal(ARRAY(SELECT id FROM sealed WHERE server_id IN (new.id, 0)));
    RETURN NULL;
END $$;

CREATE TRIGGER unseal_server AFTER UPDATE OF bot_records, stopwatch, timezone ON servers
    FOR EACH ROW
    WHEN ((old.bot_records, old.stopwatch, old.timezone) IS DISTINCT FROM (new.bot_records, new.stopwatch, new.timezone))
    EXECUTE FUNCTION unseal_server();

CREATE FUNCTION unseal_everything() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE sealed, sealed_players, sealed_player_maps, sealed_weapons, sealed_maps, sealed_sessions, sealed_awards,
        sealed_careers, sealed_steps;
    RETURN NULL;
END $$;

CREATE TRIGGER unseal_everything AFTER TRUNCATE ON rounds
    FOR EACH STATEMENT EXECUTE FUNCTION unseal_everything();

-- 7. Functions and views for queries

-- The rounds of a query, defined in one place: every reading query starts from `rounds_in_scope`. Rounds that are not
-- counted are left out, unless `uncounted`. NULL means no limit.
-- Both functions are inlined into the calling query, so a NULL costs nothing.
CREATE FUNCTION rounds_matching(since timestamptz, until timestamptz, map text, server text,
                                uncounted boolean DEFAULT false)
RETURNS SETOF rounds LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000 AS $$
    SELECT r.* FROM rounds r
    WHERE (uncounted OR r.is_counted)
      AND (since IS NULL OR r.ended_at >= since)
      AND (until IS NULL OR r.ended_at < until)
      AND (map IS NULL OR r.map_name = map)
      AND (server IS NULL OR r.server_id = (SELECT s.id FROM servers s WHERE s.name = server))
$$;

-- The newest gaming sessions among the matching rounds, found by walking back in time from session to session.
CREATE FUNCTION newest_sessions(since timestamptz, until timestamptz, map text, server text, most integer,
                                uncounted boolean DEFAULT false)
RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE walk AS (
        (SELECT ARRAY[m.gaming_session_id] AS seen, m.ended_at
         FROM rounds_matching(since, until, map, server, uncounted) m
         ORDER BY m.ended_at DESC, m.gaming_session_id DESC LIMIT 1)
        UNION ALL
        SELECT w.seen || n.gaming_session_id, n.ended_at
        FROM walk w CROSS JOIN LATERAL (
            SELECT m.gaming_session_id, m.ended_at
            FROM rounds_matching(since, until, map, server, uncounted) m
            WHERE m.ended_at <= w.ended_at AND m.gaming_session_id <> ALL (w.seen)
            ORDER BY m.ended_at DESC, m.gaming_session_id DESC LIMIT 1) n
        WHERE cardinality(w.seen) < most
    )
    SELECT seen FROM walk ORDER BY cardinality(seen) DESC LIMIT 1
$$;

-- `since` is inclusive, `until` exclusive. The last N rounds or sessions are taken from the matching rounds.
-- Arrays, because the planner expects few elements and uses the index.
CREATE FUNCTION rounds_in_scope(since timestamptz, until timestamptz, map text, server text,
                                last_rounds integer, last_sessions integer, uncounted boolean DEFAULT false)
RETURNS SETOF rounds LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000 AS $$
    SELECT r.* FROM rounds_matching(since, until, map, server, uncounted) r
    WHERE (last_rounds IS NULL OR r.id = ANY (ARRAY(
              SELECT m.id FROM rounds_matching(since, until, map, server, uncounted) m
              ORDER BY m.ended_at DESC, m.id DESC LIMIT last_rounds)))
      AND (last_sessions IS NULL OR r.gaming_session_id = ANY (
              newest_sessions(since, until, map, server, last_sessions, uncounted)))
$$;

-- The counted rounds of the parts of time that are not sealed: of each of the servers from its start until its stop;
-- `map`: only of this map.
-- Not inlined, because the planner would expect far too many of them and read all rows of players.
CREATE FUNCTION unsealed_rounds(server_ids integer[], starts timestamptz[], stops timestamptz[], map text DEFAULT NULL)
RETURNS SETOF rounds LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000 AS $$
BEGIN
    IF map IS NOT NULL THEN
        RETURN QUERY
        SELECT r.* FROM unnest(server_ids, starts, stops) AS g (server_id, start, stop)
        CROSS JOIN LATERAL (
            SELECT * FROM rounds x
            WHERE x.map_name = map AND x.ended_at >= g.start AND x.ended_at < g.stop AND x.server_id = g.server_id
              AND x.is_counted
            OFFSET 0) r;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT r.* FROM unnest(server_ids, starts, stops) AS g (server_id, start, stop)
    CROSS JOIN LATERAL (
        SELECT * FROM rounds x
        WHERE x.server_id = g.server_id AND x.ended_at >= g.start AND x.ended_at < g.stop AND x.is_counted
        OFFSET 0) r;
END $$;

-- The weapons that count for accuracy and headshot percentage.
CREATE FUNCTION is_bullet_weapon(weapon text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT weapon IN ('LUGER', 'COLT', 'MP40', 'THOMPSON', 'STEN', 'FG42', 'MG42', 'BROWNING', 'CARBINE', 'KAR98',
                      'GARAND', 'K43', 'MP34')
$$;

-- Headshots by other weapons (hardly any): subtracted from a player's headshots for the percentage.
CREATE INDEX weapon_comprehensive_stats_odd_headshots
    ON weapon_comprehensive_stats (round_id, player_guid) INCLUDE (headshots)
    WHERE headshots > 0 AND NOT is_bullet_weapon(weapon_name);

-- The GUIDs of some persons: those that stand for them, and those merged into these.
CREATE FUNCTION guids_of(persons text[]) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT persons || ARRAY(SELECT i.player_guid FROM player_identities i
                            WHERE i.identity_guid = ANY (persons) AND i.player_guid <> i.identity_guid)
$$;

-- The person that a GUID stands for.
CREATE FUNCTION person_of(guid text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce((SELECT i.identity_guid FROM player_identities i WHERE i.player_guid = guid), guid)
$$;

-- The rows of player_comprehensive_stats by person: `player_guid` is the GUID that stands for the person, the names are
-- the display name where there is one, `recorded_guid` is the GUID of the file. To find the rows of a person by the
-- index, compare `recorded_guid` with `guids_of` as well.
CREATE VIEW person_stats AS
SELECT p.round_id, coalesce(i.identity_guid, p.player_guid) AS player_guid, p.player_guid AS recorded_guid,
       coalesce(i.display_name, p.player_name) AS player_name, coalesce(i.display_name, p.clean_name) AS clean_name,
       p.team, p.was_reset, p.kills, p.deaths, p.headshots, p.hits, p.shots, p.bullets_fired, p.damage_given,
       p.damage_received, p.team_damage_given, p.team_damage_received, p.gibs, p.self_kills, p.team_kills,
       p.team_gibs, p.time_played_seconds, p.time_played_percent, p.xp, p.killing_spree_best, p.death_spree_worst,
       p.kill_assists, p.kill_steals, p.headshot_kills, p.objectives_stolen, p.objectives_returned,
       p.dynamites_planted, p.dynamites_defused, p.times_revived, p.tank_meatshield, p.time_dead_minutes,
       p.most_useful_kills, p.denied_playtime, p.double_kills, p.triple_kills, p.quad_kills, p.multi_kills,
       p.mega_kills, p.useless_kills, p.full_selfkills, p.constructions, p.revives_given, p.time_played_minutes,
       p.time_dead_ratio, p.kd_ratio, p.dpm, p.efficiency, p.accuracy
FROM player_comprehensive_stats p
LEFT JOIN player_identities i
       ON i.player_guid = p.player_guid
      AND NOT EXISTS (SELECT FROM identity_conflicts c
                      WHERE c.round_id = p.round_id AND c.player_guid = p.player_guid);

-- The same of weapon_comprehensive_stats.
CREATE VIEW person_weapon_stats AS
SELECT w.round_id, coalesce(i.identity_guid, w.player_guid) AS player_guid, w.player_guid AS recorded_guid,
       w.weapon_name, w.kills, w.deaths, w.headshots, w.hits, w.shots, w.accuracy
FROM weapon_comprehensive_stats w
LEFT JOIN player_identities i
       ON i.player_guid = w.player_guid
      AND NOT EXISTS (SELECT FROM identity_conflicts c
                      WHERE c.round_id = w.round_id AND c.player_guid = w.player_guid);

-- Every GUID of the persons who are hidden under any of their GUIDs.
CREATE VIEW hidden_persons AS
SELECT h.player_guid FROM hidden_players h
UNION
SELECT i.player_guid FROM player_identities i WHERE i.identity_guid IN (
    SELECT person_of(h.player_guid) FROM hidden_players h);

-- The present name of a person, with and without colours: the display name, else the name in the last round.
CREATE FUNCTION names_of(guid text)
RETURNS TABLE (player_name text, clean_name text) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT coalesce(d.display_name, p.player_name), coalesce(d.display_name, p.clean_name)
    -- As guids_of, which would be called for each person.
    FROM (SELECT names_of.guid
          UNION ALL
          SELECT i.player_guid FROM player_identities i
          WHERE i.identity_guid = names_of.guid AND i.player_guid <> names_of.guid) own (guid)
    CROSS JOIN LATERAL (SELECT max(a.last_seen) AS last_seen FROM player_aliases a WHERE a.guid = own.guid) seen
    JOIN rounds r ON r.ended_at = seen.last_seen
    JOIN player_comprehensive_stats p ON p.round_id = r.id AND p.player_guid = own.guid
    LEFT JOIN player_identities d ON d.player_guid = names_of.guid AND d.identity_guid = names_of.guid
    ORDER BY r.ended_at DESC, r.server_id, p.player_guid LIMIT 1
$$;

-- The values of a round that can be records. DPM and accuracy are in tenths, so that all values are integers.
CREATE VIEW player_feats AS
SELECT p.round_id, p.player_guid, p.recorded_guid, p.time_played_seconds, p.shots,
       p.kills, p.damage_given AS damage, round(p.dpm * 10)::integer AS dpm,
       round(p.accuracy * 10)::integer AS accuracy, p.headshot_kills, p.killing_spree_best AS spree,
       p.double_kills + p.triple_kills + p.quad_kills + p.multi_kills + p.mega_kills AS multikills,
       p.gibs, p.revives_given AS revives, p.kill_assists AS assists,
       p.objectives_stolen + p.objectives_returned + p.dynamites_planted + p.dynamites_defused AS objectives,
       p.most_useful_kills AS useful, p.xp
FROM person_stats p;

-- One row per match and person: both rounds together, rounds that are not counted left out. A round 2 is cumulative
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
FROM rounds r JOIN person_stats p ON p.round_id = r.id
WHERE r.is_counted
GROUP BY r.server_id, r.match_id, p.player_guid;

CREATE VIEW gaming_sessions AS
SELECT r.gaming_session_id AS id, s.name AS server, r.server_id,
       min(r.ended_at - make_interval(secs => coalesce(r.duration_seconds, 0))) AS start,
       max(r.ended_at) AS "end", count(*)::integer AS rounds,
       count(DISTINCT r.match_id)::integer AS maps,
       (SELECT count(DISTINCT p.player_guid)::integer
        FROM rounds x JOIN person_stats p ON p.round_id = x.id
        WHERE x.gaming_session_id = r.gaming_session_id) AS players
FROM rounds r JOIN servers s ON s.id = r.server_id
GROUP BY r.gaming_session_id, s.name, r.server_id;
