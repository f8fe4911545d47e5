-- Records of single rounds and of sessions.

-- name: round_records
-- The best single rounds in scope, overall (map_name NULL) and by map; of equal values the earliest. Cumulative
-- rounds are excluded. A value and how early it was reached form one number, value * 2^34 + earliness, so that one
-- pass and a plain max find both.
WITH scope AS MATERIALIZED (
    SELECT r.id, r.map_name, r.ended_at, 17179869183 - extract(epoch FROM r.ended_at)::bigint AS earliness
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
    WHERE NOT r.is_cumulative AND r.bots = 0
), by_map AS (
    SELECT r.map_name,
           max(f.kills * 17179869184 + r.earliness) AS kills,
           max(f.damage * 17179869184 + r.earliness) AS damage,
           max(f.dpm * 17179869184 + r.earliness) FILTER (WHERE f.time_played_seconds >= %(dpm_seconds)s) AS dpm,
           max(f.accuracy * 17179869184 + r.earliness)
               FILTER (WHERE f.shots >= %(accuracy_shots)s AND f.accuracy <= 1000) AS accuracy,
           max(f.headshot_kills * 17179869184 + r.earliness) AS headshot_kills,
           max(f.spree * 17179869184 + r.earliness) AS spree,
           max(f.multikills * 17179869184 + r.earliness) AS multikills,
           max(f.gibs * 17179869184 + r.earliness) AS gibs,
           max(f.revives * 17179869184 + r.earliness) AS revives,
           max(f.assists * 17179869184 + r.earliness) AS assists,
           max(f.objectives * 17179869184 + r.earliness) AS objectives,
           max(f.useful * 17179869184 + r.earliness) AS useful,
           max(f.xp * 17179869184 + r.earliness) AS xp
    FROM scope r JOIN player_feats f ON f.round_id = r.id
    WHERE (%(guid)s::text IS NULL OR f.player_guid = %(guid)s)
      AND (%(guid)s IS NOT NULL OR f.player_guid <> ALL (ARRAY(SELECT h.player_guid FROM hidden_players h)))
    GROUP BY r.map_name
), best AS (
    SELECT b.map_name, v.place, v.record, max(v.code) AS code
    FROM by_map b
    CROSS JOIN LATERAL (VALUES
        (1, 'kills', b.kills),
        (2, 'damage', b.damage),
        (3, 'dpm', b.dpm),
        (4, 'accuracy', b.accuracy),
        (5, 'headshot_kills', b.headshot_kills),
        (6, 'spree', b.spree),
        (7, 'multikills', b.multikills),
        (8, 'gibs', b.gibs),
        (9, 'revives', b.revives),
        (10, 'assists', b.assists),
        (11, 'objectives', b.objectives),
        (12, 'useful', b.useful),
        (13, 'xp', b.xp)
    ) v (place, record, code)
    GROUP BY GROUPING SETS ((b.map_name, v.place, v.record), (v.place, v.record))
)
SELECT DISTINCT ON (b.map_name, b.place)
       b.record, b.map_name,
       (b.code >> 34) / (CASE WHEN b.record IN ('dpm', 'accuracy') THEN 10 ELSE 1 END)::double precision AS value,
       f.player_guid, names.player_name, names.clean_name,
       r.map_name AS played_on, r.ended_at, r.id
FROM best b
JOIN scope r ON r.earliness = b.code & 17179869183 AND r.map_name = coalesce(b.map_name, r.map_name)
JOIN player_feats f ON f.round_id = r.id AND (to_jsonb(f) ->> b.record)::bigint = b.code >> 34
CROSS JOIN LATERAL names_of(f.player_guid) names
WHERE b.code >> 34 > 0 AND (%(guid)s::text IS NULL OR f.player_guid = %(guid)s)
  AND (%(guid)s IS NOT NULL OR f.player_guid <> ALL (ARRAY(SELECT h.player_guid FROM hidden_players h)))
ORDER BY b.map_name NULLS FIRST, b.place, r.id, f.player_guid

-- name: session_records
-- The best whole gaming sessions in scope; of equal values the earliest. DPM is counted in tenths.
WITH sums AS MATERIALIZED (
    SELECT r.gaming_session_id, f.player_guid, max(r.ended_at) AS ended_at,
           sum(f.kills) AS kills,
           sum(f.damage) AS damage,
           CASE WHEN sum(f.time_played_seconds) >= %(dpm_seconds)s
                -- Rounded in integer arithmetic.
                THEN (600 * sum(f.damage) + sum(f.time_played_seconds) / 2) / sum(f.time_played_seconds) END AS dpm,
           sum(f.headshot_kills) AS headshot_kills,
           sum(f.multikills) AS multikills,
           sum(f.gibs) AS gibs,
           sum(f.revives) AS revives,
           sum(f.assists) AS assists,
           sum(f.objectives) AS objectives,
           sum(f.useful) AS useful,
           sum(f.xp) AS xp
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
    JOIN player_feats f ON f.round_id = r.id
    WHERE r.bots = 0 AND (%(guid)s::text IS NULL OR f.player_guid = %(guid)s)
    GROUP BY r.gaming_session_id, f.player_guid
), shown AS MATERIALIZED (
    SELECT s.* FROM sums s
    WHERE %(guid)s IS NOT NULL
       OR NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = s.player_guid)
), best AS (
    SELECT max(kills) AS kills, max(damage) AS damage, max(dpm) AS dpm, max(headshot_kills) AS headshot_kills,
           max(multikills) AS multikills, max(gibs) AS gibs, max(revives) AS revives, max(assists) AS assists,
           max(objectives) AS objectives, max(useful) AS useful, max(xp) AS xp
    FROM shown
)
SELECT DISTINCT ON (v.place)
       v.record, NULL AS map_name, v.value / (CASE WHEN v.record = 'dpm' THEN 10 ELSE 1 END)::double precision AS value,
       s.player_guid, names.player_name, names.clean_name,
       NULL AS played_on, s.ended_at, s.gaming_session_id AS id
FROM best b
JOIN shown s ON s.kills = b.kills OR s.damage = b.damage OR s.dpm = b.dpm OR s.headshot_kills = b.headshot_kills
             OR s.multikills = b.multikills OR s.gibs = b.gibs OR s.revives = b.revives OR s.assists = b.assists
             OR s.objectives = b.objectives OR s.useful = b.useful OR s.xp = b.xp
CROSS JOIN LATERAL (VALUES
    (1, 'kills', s.kills, b.kills),
    (2, 'damage', s.damage, b.damage),
    (3, 'dpm', s.dpm, b.dpm),
    (4, 'headshot_kills', s.headshot_kills, b.headshot_kills),
    (5, 'multikills', s.multikills, b.multikills),
    (6, 'gibs', s.gibs, b.gibs),
    (7, 'revives', s.revives, b.revives),
    (8, 'assists', s.assists, b.assists),
    (9, 'objectives', s.objectives, b.objectives),
    (10, 'useful', s.useful, b.useful),
    (11, 'xp', s.xp, b.xp)
) v (place, record, value, best)
CROSS JOIN LATERAL names_of(s.player_guid) names
WHERE v.value = v.best AND v.value > 0
ORDER BY v.place, s.ended_at, s.gaming_session_id, s.player_guid
