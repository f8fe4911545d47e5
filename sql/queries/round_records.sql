-- The best of single rounds in scope, overall (map_name NULL) and by map; of equals the earliest. Rounds that are
-- two together set none. A value and how early it was reached are one number, value * 2^34 + earliness, so that
-- one pass and a plain max find both.
WITH scope AS MATERIALIZED (
    SELECT r.id, r.map_name, r.ended_at, 17179869183 - extract(epoch FROM r.ended_at)::bigint AS earliness
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
    WHERE NOT r.is_cumulative
), by_map AS (
    SELECT r.map_name,
           max(f.kills * 17179869184 + r.earliness) AS kills,
           max(f.damage * 17179869184 + r.earliness) AS damage,
           max(f.dpm * 17179869184 + r.earliness) FILTER (WHERE f.time_played_seconds >= %(dpm_seconds)s) AS dpm,
           max(f.accuracy * 17179869184 + r.earliness) FILTER (WHERE f.shots >= %(accuracy_shots)s AND f.accuracy <= 1000) AS accuracy,
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
