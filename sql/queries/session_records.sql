-- The best of whole gaming sessions, of the rounds in scope; of equals the earliest. The feats count DPM in tenths.
WITH sums AS MATERIALIZED (
    SELECT r.gaming_session_id, f.player_guid, max(r.ended_at) AS ended_at,
           sum(f.kills) AS kills,
           sum(f.damage) AS damage,
           CASE WHEN sum(f.time_played_seconds) >= %(dpm_seconds)s
                -- Rounded, by whole numbers.
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
    WHERE %(guid)s::text IS NULL OR f.player_guid = %(guid)s
    GROUP BY r.gaming_session_id, f.player_guid
), shown AS MATERIALIZED (
    SELECT s.* FROM sums s
    WHERE %(guid)s IS NOT NULL
       OR NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = s.player_guid)
), best AS (
    SELECT max(kills) AS kills, max(damage) AS damage, max(dpm) AS dpm, max(headshot_kills) AS headshot_kills, max(multikills) AS multikills, max(gibs) AS gibs, max(revives) AS revives, max(assists) AS assists, max(objectives) AS objectives, max(useful) AS useful, max(xp) AS xp
    FROM shown
)
SELECT DISTINCT ON (v.place)
       v.record, NULL AS map_name, v.value / (CASE WHEN v.record = 'dpm' THEN 10 ELSE 1 END)::double precision AS value,
       s.player_guid, names.player_name, names.clean_name,
       NULL AS played_on, s.ended_at, s.gaming_session_id AS id
FROM best b
JOIN shown s ON s.kills = b.kills OR s.damage = b.damage OR s.dpm = b.dpm OR s.headshot_kills = b.headshot_kills OR s.multikills = b.multikills OR s.gibs = b.gibs OR s.revives = b.revives OR s.assists = b.assists OR s.objectives = b.objectives OR s.useful = b.useful OR s.xp = b.xp
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
