-- What the reading commands ask of the base.

-- Which rounds a question is about, in one place: every reading query starts from `rounds_in_scope`. NULL means
-- "no limit". Both functions are inlined into the query that calls them, so what is NULL costs nothing.
CREATE FUNCTION rounds_matching(since timestamptz, until timestamptz, map text, server text)
RETURNS SETOF rounds LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000 AS $$
    SELECT r.* FROM rounds r
    WHERE (since IS NULL OR r.ended_at >= since)
      AND (until IS NULL OR r.ended_at < until)
      AND (map IS NULL OR r.map_name = map)
      AND (server IS NULL OR r.server_id = (SELECT s.id FROM servers s WHERE s.name = server))
$$;

-- The newest gaming sessions among the rounds that match, found by walking back in time from one to the next.
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

-- `since` is inside, `until` is not. The last so many rounds, or gaming sessions, are those of the rounds that match.
-- Arrays, because the planner expects few elements of one, and takes the index.
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

-- The weapons for which hits over shots means accuracy, and headshots over hits a share.
CREATE FUNCTION is_bullet_weapon(weapon text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT weapon IN ('LUGER', 'COLT', 'MP40', 'THOMPSON', 'STEN', 'FG42', 'MG42', 'BROWNING', 'CARBINE', 'KAR98',
                      'GARAND', 'K43', 'MP34')
$$;

-- Headshots that no bullet made, next to none: what has to be taken off a player's headshots for the share.
CREATE INDEX weapon_comprehensive_stats_odd_headshots
    ON weapon_comprehensive_stats (round_id, player_guid) INCLUDE (headshots)
    WHERE headshots > 0 AND NOT is_bullet_weapon(weapon_name);

-- The name that a player bears now, with and without colours: that of the last round.
CREATE FUNCTION names_of(guid text)
RETURNS TABLE (player_name text, clean_name text) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT p.player_name, p.clean_name
    FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id
    WHERE r.ended_at = (SELECT max(a.last_seen) FROM player_aliases a WHERE a.guid = names_of.guid)
      AND p.player_guid = names_of.guid
    ORDER BY r.server_id LIMIT 1
$$;

-- What a player can hold a record in, by round. DPM and accuracy are in tenths, so that all are whole numbers.
CREATE VIEW player_feats AS
SELECT p.round_id, p.player_guid, p.time_played_seconds, p.shots,
       p.kills, p.damage_given AS damage, round(p.dpm * 10)::integer AS dpm,
       round(p.accuracy * 10)::integer AS accuracy, p.headshot_kills, p.killing_spree_best AS spree,
       p.double_kills + p.triple_kills + p.quad_kills + p.multi_kills + p.mega_kills AS multikills,
       p.gibs, p.revives_given AS revives, p.kill_assists AS assists,
       p.objectives_stolen + p.objectives_returned + p.dynamites_planted + p.dynamites_defused AS objectives,
       p.most_useful_kills AS useful, p.xp
FROM player_comprehensive_stats p;
