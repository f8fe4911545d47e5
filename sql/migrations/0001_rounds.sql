-- The archive of raw files, and the rounds derived from it.
-- Everything below `processed_files` can be made again from it: see `etstats rebuild`.

CREATE TABLE servers (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One row a file name a server. `content` is the last good version; a bad version of a file that was good
-- before waits in the `rejected_*` columns and leaves the good one alone.
CREATE TABLE processed_files (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_id        integer NOT NULL REFERENCES servers (id),
    filename         text NOT NULL CHECK (filename <> '' AND octet_length(filename) <= 255),
    file_hash        text NOT NULL CHECK (file_hash ~ '^[0-9a-f]{64}$'),
    size_bytes       integer NOT NULL CHECK (size_bytes >= 0),
    content          bytea NOT NULL,
    -- What the source showed when the file was taken: how sync knows it again. They differ from `file_hash` and
    -- `size_bytes` once a player was forgotten in the archive.
    source_hash      text NOT NULL CHECK (source_hash ~ '^[0-9a-f]{64}$'),
    source_size      integer NOT NULL CHECK (source_size >= 0),
    source_mtime     bigint,
    success          boolean NOT NULL,
    duplicate_of     bigint REFERENCES processed_files (id) DEFERRABLE INITIALLY DEFERRED,
    error_message    text,
    error_line       integer,
    processed_at     timestamptz NOT NULL DEFAULT now(),
    rejected_hash    text CHECK (rejected_hash ~ '^[0-9a-f]{64}$'),
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
-- A file is 1-4 KB: without this, the base would compress only the larger half of them.
ALTER TABLE processed_files SET (toast_tuple_target = 256);
CREATE INDEX processed_files_source_hash ON processed_files (server_id, source_hash);
CREATE INDEX processed_files_duplicate_of ON processed_files (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX processed_files_quarantine ON processed_files (id) WHERE NOT success OR rejected_hash IS NOT NULL;

-- A gaming session is only its number; what it holds is said by its rounds (view `gaming_sessions`).
CREATE TABLE sessions (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_id integer NOT NULL REFERENCES servers (id)
);

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
    round_outcome       text NOT NULL CHECK (round_outcome IN ('completed', 'fullhold', 'surrender', 'unknown')),
    round1_id           bigint REFERENCES rounds (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    is_cumulative       boolean NOT NULL,
    gaming_session_id   bigint NOT NULL REFERENCES sessions (id) DEFERRABLE INITIALLY DEFERRED,
    stored_at           timestamptz NOT NULL DEFAULT now(),
    -- Deferred: partners may change hands inside one transaction.
    UNIQUE (server_id, match_id, round_number) DEFERRABLE INITIALLY DEFERRED,
    UNIQUE (round1_id) DEFERRABLE INITIALLY DEFERRED,
    CHECK (round_number = 2 OR (round1_id IS NULL AND NOT is_cumulative)),
    CHECK (round1_id IS NULL OR NOT is_cumulative),
    CHECK (round_outcome <> 'completed' OR winner_team NOT IN (0, defender_team)),
    CHECK (round_outcome NOT IN ('fullhold', 'surrender') OR winner_team = defender_team)
);
CREATE INDEX rounds_server_ended ON rounds (server_id, ended_at);
CREATE INDEX rounds_ended ON rounds (ended_at);
CREATE INDEX rounds_map ON rounds (map_name, ended_at);
CREATE INDEX rounds_session ON rounds (gaming_session_id);

-- One player in one round alone. Ratios are generated, so that they cannot disagree with what they are made of.
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
    team_damage_given    integer NOT NULL,
    team_damage_received integer NOT NULL,
    gibs                 integer NOT NULL,
    self_kills           integer NOT NULL,
    team_kills           integer NOT NULL,
    team_gibs            integer NOT NULL,
    time_played_seconds  integer NOT NULL,
    time_played_percent  numeric(5, 1) NOT NULL CHECK (time_played_percent BETWEEN 0 AND 100),
    xp                   integer NOT NULL,
    killing_spree_best   integer NOT NULL,
    death_spree_worst    integer NOT NULL,
    kill_assists         integer NOT NULL,
    kill_steals          integer NOT NULL,
    headshot_kills       integer NOT NULL,
    objectives_stolen    integer NOT NULL,
    objectives_returned  integer NOT NULL,
    dynamites_planted    integer NOT NULL,
    dynamites_defused    integer NOT NULL,
    times_revived        integer NOT NULL,
    tank_meatshield      numeric(12, 1) NOT NULL,
    time_dead_minutes    numeric(12, 1) NOT NULL,
    most_useful_kills    integer NOT NULL,
    denied_playtime      integer,
    double_kills         integer NOT NULL,
    triple_kills         integer NOT NULL,
    quad_kills           integer NOT NULL,
    multi_kills          integer NOT NULL,
    mega_kills           integer NOT NULL,
    useless_kills        integer,
    full_selfkills       integer,
    constructions        integer,
    revives_given        integer,
    time_played_minutes  double precision NOT NULL
        GENERATED ALWAYS AS (time_played_seconds / 60::double precision) STORED,
    time_dead_ratio      double precision NOT NULL
        GENERATED ALWAYS AS (CASE WHEN time_played_seconds = 0 THEN 0
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
    -- One check for all counts: it is made for each row of every import.
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
-- Both columns of the weapons' foreign key: on an empty table its check may be planned for this index as well as for
-- the primary key, and keeps that plan through an import of thousands of files.
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
        REFERENCES player_comprehensive_stats (round_id, player_guid) ON DELETE CASCADE,
    CHECK (least(kills, deaths, headshots, hits, shots) >= 0),
    CHECK (greatest(kills, deaths, headshots, hits, shots) > 0),
    CHECK (headshots <= hits)
);

-- The line-ups of an evening: who played together, whatever side they stood on.
CREATE TABLE session_teams (
    session_id  bigint NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    player_guid text NOT NULL,
    team        smallint NOT NULL CHECK (team IN (1, 2)),
    PRIMARY KEY (session_id, player_guid)
);

-- Whoever writes says beforehand what will stand there afterwards: rounds; players, their kills and deaths;
-- weapons, their kills and deaths.
CREATE FUNCTION expect_totals(written bigint[], wanted bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF written IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'the base took %, to be written were %', written, wanted
            USING ERRCODE = 'check_violation', CONSTRAINT = 'expect_totals';
    END IF;
END $$;

-- Names a player was seen under, kept by the triggers below, so that no way of writing rounds can forget them.
-- Several game servers may be collected at once, and the same people play on them: who counts holds the table's
-- lock until its file is stored, so that each count sees all that the others have done.
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

-- Counted again from the rows that are left: rows go only when a file is replaced, mended or taken out.
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

CREATE TABLE player_links (
    discord_user_id bigint NOT NULL UNIQUE CHECK (discord_user_id > 0),
    player_guid     text NOT NULL UNIQUE,
    linked_at       timestamptz NOT NULL DEFAULT now()
);

-- A row per match and player, both rounds together. A cumulative round 2 stands only where round 1 is missing,
-- so nothing is counted twice.
CREATE VIEW match_summaries AS
SELECT r.server_id, r.match_id, min(r.map_name) AS map_name, max(r.ended_at) AS ended_at,
       count(*)::integer AS rounds, bool_or(r.is_cumulative) AS is_cumulative,
       min(r.gaming_session_id) AS gaming_session_id, p.player_guid,
       (array_agg(p.player_name ORDER BY r.round_number DESC))[1] AS player_name,
       (array_agg(p.clean_name ORDER BY r.round_number DESC))[1] AS clean_name,
       -- The line-up is named by the side it held in round 1.
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
