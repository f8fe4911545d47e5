-- Records of single rounds and of sessions. Each reads the sealed periods of the scope and the rounds of the rest.

-- name: round_records
-- The best single rounds in scope, overall (map_name NULL) and by map; of equal values the earliest. Cumulative
-- rounds are excluded. A value and how early it was reached form one number, value * 2^34 + earliness, so that one
-- pass and a plain max find both.
WITH scope AS MATERIALIZED (
    SELECT r.id, r.map_name, r.ended_at, r.is_cumulative,
           17179869183 - extract(epoch FROM r.ended_at)::bigint AS earliness
    FROM {rounds} r
    WHERE (%(map_name)s::text IS NULL OR r.map_name = %(map_name)s)
      AND NOT r.is_cumulative AND (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
      AND (%(guid)s::text IS NULL
           OR r.id = ANY (ARRAY(SELECT p.round_id FROM player_comprehensive_stats p
                                WHERE p.player_guid = ANY (guids_of(ARRAY[%(guid)s])))))
), parts AS (
    SELECT s.map_name, {record_sums}
    FROM scope s JOIN person_stats p ON p.round_id = s.id
    WHERE (%(guid)s::text IS NULL OR p.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND p.player_guid = %(guid)s)
      AND (%(guid)s IS NOT NULL OR p.player_guid <> ALL (ARRAY(SELECT h.player_guid FROM hidden_persons h)))
    GROUP BY s.map_name
    UNION ALL
    SELECT map_name, {record_names} FROM sealed_maps
    WHERE sealed_id = ANY (%(sealed_ids)s) AND (%(map_name)s::text IS NULL OR map_name = %(map_name)s)
), by_map AS (
    SELECT map_name, {record_totals} FROM parts GROUP BY map_name
), best AS (
    SELECT b.map_name, v.place, v.record, max(v.code) AS code
    FROM by_map b
    CROSS JOIN LATERAL (VALUES {record_places}) v (place, record, code)
    GROUP BY GROUPING SETS ((b.map_name, v.place, v.record), (v.place, v.record))
)
SELECT DISTINCT ON (b.map_name, b.place)
       b.record, b.map_name,
       (b.code >> 34) / (CASE WHEN b.record IN ('dpm', 'accuracy') THEN 10 ELSE 1 END)::double precision AS value,
       f.player_guid, names.player_name, names.clean_name,
       r.map_name AS played_on, r.ended_at, r.id
FROM best b
JOIN {record_rounds}
JOIN player_feats f ON f.round_id = r.id AND (to_jsonb(f) ->> b.record)::bigint = b.code >> 34
CROSS JOIN LATERAL names_of(f.player_guid) names
WHERE b.code >> 34 > 0 AND (%(guid)s::text IS NULL OR f.player_guid = %(guid)s)
  AND (%(guid)s IS NOT NULL OR f.player_guid <> ALL (ARRAY(SELECT h.player_guid FROM hidden_persons h)))
ORDER BY b.map_name NULLS FIRST, b.place, r.id, f.player_guid

-- name: player_records
-- The best single rounds of one player in scope, found as in round_records.
WITH own AS MATERIALIZED (
    -- As in player_maps.
    SELECT p.round_id FROM player_comprehensive_stats p WHERE p.player_guid = ANY (guids_of(ARRAY[%(guid)s]))
), scope AS MATERIALIZED (
    SELECT r.id, r.map_name, r.ended_at, r.is_cumulative,
           17179869183 - extract(epoch FROM r.ended_at)::bigint AS earliness
    FROM {rounds} r JOIN own ON own.round_id = r.id
    WHERE NOT r.is_cumulative AND (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
), parts AS (
    SELECT {record_sums}
    FROM scope s JOIN person_stats p ON p.round_id = s.id
    WHERE p.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND p.player_guid = %(guid)s
    UNION ALL
    SELECT {record_names}
    FROM sealed_players s JOIN sealed d ON d.id = s.sealed_id
    WHERE s.sealed_id = ANY (%(sealed_ids)s) AND s.player_guid = %(guid)s
      AND (s.flags & 1 = 0 OR d.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
), best AS (
    SELECT NULL::text AS map_name, v.place, v.record, v.code
    FROM (SELECT {record_totals} FROM parts) b
    CROSS JOIN LATERAL (VALUES {record_places}) v (place, record, code)
    WHERE v.code >> 34 > 0
)
SELECT DISTINCT ON (b.place)
       b.record, b.map_name,
       (b.code >> 34) / (CASE WHEN b.record IN ('dpm', 'accuracy') THEN 10 ELSE 1 END)::double precision AS value,
       f.player_guid, names.player_name, names.clean_name,
       r.map_name AS played_on, r.ended_at, r.id
FROM best b
JOIN {record_rounds}
JOIN player_feats f ON f.round_id = r.id AND (to_jsonb(f) ->> b.record)::bigint = b.code >> 34
CROSS JOIN LATERAL names_of(f.player_guid) names
WHERE f.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND f.player_guid = %(guid)s
ORDER BY b.place, r.id

-- name: session_records
-- The best whole gaming sessions in scope; of equal values the earliest, found as in round_records. DPM is counted in
-- tenths.
WITH sums AS MATERIALIZED (
    SELECT r.gaming_session_id, f.player_guid,
           17179869183 - extract(epoch FROM max(r.ended_at))::bigint AS earliness, {session_sums}
    FROM {session_rounds} r
    JOIN player_feats f ON f.round_id = r.id
    WHERE (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
      AND (%(guid)s::text IS NULL OR f.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND f.player_guid = %(guid)s)
    GROUP BY r.gaming_session_id, f.player_guid
), open AS (
    SELECT s.player_guid, {session_codes} FROM sums s
    WHERE %(guid)s IS NOT NULL
       OR NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = s.player_guid)
), periods AS MATERIALIZED (
    SELECT sealed_id, {session_names} FROM sealed_sessions
    WHERE sealed_id = ANY (%(sealed_ids)s) AND player_guid = coalesce(%(guid)s, '') AND %(map_name)s::text IS NULL
), best AS (
    SELECT {session_bests}
    FROM (SELECT {session_names} FROM open UNION ALL SELECT {session_names} FROM periods) s
), shown AS MATERIALIZED (
    SELECT player_guid, {session_names} FROM open
    UNION ALL
    -- Everybody in the periods that hold a best.
    SELECT x.player_guid, {session_names_of_x}
    FROM best b JOIN periods s ON {session_matches}
    JOIN sealed_sessions x ON x.sealed_id = s.sealed_id AND x.player_guid <> ''
    WHERE (%(guid)s::text IS NULL OR x.player_guid = %(guid)s)
      AND (%(guid)s IS NOT NULL OR NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = x.player_guid))
)
SELECT DISTINCT ON (v.place)
       v.record, NULL AS map_name,
       (v.best >> 34) / (CASE WHEN v.record = 'dpm' THEN 10 ELSE 1 END)::double precision AS value,
       s.player_guid, names.player_name, names.clean_name,
       NULL AS played_on, r.ended_at, r.gaming_session_id AS id
FROM best b
JOIN shown s ON {session_matches}
CROSS JOIN LATERAL (VALUES {session_places}) v (place, record, best, code)
-- The last round of the session in which the player was.
JOIN rounds r ON r.ended_at = to_timestamp(17179869183 - (v.code & 17179869183)) AND r.is_counted
 AND EXISTS (SELECT FROM person_stats p WHERE p.round_id = r.id AND p.player_guid = s.player_guid)
CROSS JOIN LATERAL names_of(s.player_guid) names
WHERE v.code = v.best AND v.best >> 34 > 0
ORDER BY v.place, r.ended_at, r.gaming_session_id, s.player_guid

-- name: best_sessions_on_map
-- The gaming sessions with a best of the sealed periods on a map.
SELECT DISTINCT r.gaming_session_id
FROM (SELECT {session_bests_on_map} FROM sealed_maps WHERE sealed_id = ANY (%(sealed_ids)s) AND map_name = %(map_name)s) b
CROSS JOIN LATERAL unnest(ARRAY[{session_names_on_map}]) v (code)
JOIN rounds r ON r.map_name = %(map_name)s AND r.is_counted
 AND r.ended_at = to_timestamp(17179869183 - (v.code & 17179869183))
