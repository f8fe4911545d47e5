-- Sealed periods, and the computation of their sums from rounds.

-- name: sealed_periods
-- The largest sealed periods of these levels that lie between two times, by server and time; a server without any has
-- one row.
WITH inside AS MATERIALIZED (
    SELECT * FROM sealed d WHERE d.level = ANY (%(levels)s) AND d.start >= %(first)s AND d.stop <= %(last)s
)
SELECT v.id AS server_id, coalesce(d.id, 0) AS id, d.start, d.stop, d.split_sessions
FROM servers v
LEFT JOIN inside d ON d.server_id = v.id AND NOT EXISTS (
    SELECT FROM inside o WHERE o.server_id = d.server_id AND o.level > d.level AND o.start <= d.start AND o.stop >= d.stop)
WHERE %(server)s::text IS NULL OR v.name = %(server)s
ORDER BY v.id, d.start

-- name: stored_periods
SELECT d.id AS sealed_id, d.server_id, v.name AS server, d.level, d.start, d.stop, d.sessions
FROM sealed d JOIN servers v ON v.id = d.server_id
ORDER BY v.name, d.start, d.level

-- name: months_to_seal
-- The past months with rounds that are not sealed, the newest first.
SELECT v.id AS server_id, 0 AS level, m.start, m.stop
FROM servers v
CROSS JOIN LATERAL (SELECT min(r.ended_at) AS first, max(r.ended_at) AS last FROM rounds r WHERE r.server_id = v.id) b
CROSS JOIN LATERAL calendar_of(v.id, 'month', b.first, b.last) m
WHERE m.stop <= %(until)s
  AND NOT EXISTS (SELECT FROM sealed d WHERE d.server_id = v.id AND d.level = 0 AND d.start = m.start)
  AND EXISTS (SELECT FROM rounds r WHERE r.server_id = v.id AND r.ended_at >= m.start AND r.ended_at < m.stop)
ORDER BY m.start DESC, v.id

-- name: years_to_seal
-- The past years of which every month with rounds is sealed and that are not sealed, the newest first.
SELECT v.id AS server_id, 1 AS level, y.start, y.stop
FROM servers v
CROSS JOIN LATERAL (SELECT min(d.start) AS first, max(d.start) AS last FROM sealed d WHERE d.server_id = v.id) b
CROSS JOIN LATERAL calendar_of(v.id, 'year', b.first, b.last) y
WHERE y.stop <= %(until)s
  AND NOT EXISTS (SELECT FROM sealed d WHERE d.server_id = v.id AND d.level = 1 AND d.start = y.start)
  AND EXISTS (SELECT FROM sealed d WHERE d.server_id = v.id AND d.level = 0 AND d.start >= y.start AND d.start < y.stop)
  AND NOT EXISTS (
      SELECT FROM calendar_of(v.id, 'month', y.start, y.stop - interval '1 second') m
      WHERE EXISTS (SELECT FROM rounds r WHERE r.server_id = v.id AND r.ended_at >= m.start AND r.ended_at < m.stop)
        AND NOT EXISTS (SELECT FROM sealed d WHERE d.server_id = v.id AND d.level = 0 AND d.start = m.start))
ORDER BY y.start DESC, v.id

-- name: all_years_to_seal
-- All past years of a server that has several, all of them sealed, where these are not sealed as one.
SELECT v.id AS server_id, 2 AS level, y.start, y.stop
FROM servers v
CROSS JOIN LATERAL (SELECT min(d.start) AS start, max(d.stop) AS stop, count(*) AS count
                    FROM sealed d WHERE d.server_id = v.id AND d.level = 1) y
WHERE y.count > 1 AND y.stop <= %(until)s
  AND NOT EXISTS (SELECT FROM sealed d WHERE d.server_id = v.id AND d.level = 2 AND d.start = y.start AND d.stop = y.stop)
ORDER BY v.id

-- name: newest_round
-- The end of the newest round, at most now; NULL in a database of fewer rounds.
SELECT CASE WHEN (SELECT count(*) FROM (SELECT FROM rounds LIMIT %(least_rounds)s) r) >= %(least_rounds)s
            THEN (SELECT least(now(), max(ended_at)) FROM rounds) END

-- name: first_round
SELECT min(ended_at) FROM rounds

-- name: try_seal_lock
-- False while another transaction changes rounds of the server, or seals.
SELECT pg_try_advisory_xact_lock(seal_lock(), %(server_id)s)

-- name: is_sealable
-- Whether a period is still not sealed and all its parts with rounds are.
SELECT NOT EXISTS (SELECT FROM sealed d WHERE d.server_id = %(server_id)s AND d.level = %(level)s
                   AND d.start = %(start)s AND d.stop = %(stop)s)
   AND (%(level)s = 0 OR NOT EXISTS (
        SELECT FROM calendar_of(%(server_id)s, %(part)s, %(start)s, %(stop)s - interval '1 second') p
        WHERE EXISTS (SELECT FROM rounds r WHERE r.server_id = %(server_id)s AND r.ended_at >= p.start
                      AND r.ended_at < p.stop)
          AND NOT EXISTS (SELECT FROM sealed d WHERE d.server_id = %(server_id)s AND d.level = %(level)s - 1
                          AND d.start = p.start)))

-- name: unseal_former
-- Of all past years another row may end earlier or begin later.
SELECT unseal(ARRAY(SELECT id FROM sealed WHERE server_id = %(server_id)s AND level = 2 AND %(level)s = 2))

-- name: unseal_all
SELECT unseal(ARRAY(SELECT id FROM sealed))

-- name: add_sealed
INSERT INTO sealed (server_id, level, start, stop, split_sessions, sessions)
VALUES (%(server_id)s, %(level)s, %(start)s, %(stop)s, '{}', 0)
RETURNING id

-- name: find_split_sessions
-- The sessions that go on outside of a period. Those of a year are among those of its months.
UPDATE sealed d SET split_sessions = ARRAY(
    SELECT DISTINCT c.session_id
    FROM (SELECT r.gaming_session_id AS session_id FROM rounds r
          WHERE d.level = 0 AND r.server_id = d.server_id AND r.ended_at >= d.start AND r.ended_at < d.stop
          UNION ALL
          SELECT unnest(p.split_sessions) FROM parts_of(d.id) p) c
    WHERE EXISTS (SELECT FROM rounds o WHERE o.gaming_session_id = c.session_id
                  AND NOT (o.server_id = d.server_id AND o.ended_at >= d.start AND o.ended_at < d.stop))
    ORDER BY c.session_id)
WHERE d.id = %(sealed_id)s

-- name: count_sealed_sessions
-- `sessions`: those of a month, or those that the parts of a period leave out.
UPDATE sealed SET sessions = cardinality(%(sessions)s::bigint[])
                           + (SELECT coalesce(sum(p.sessions), 0) FROM parts_of(%(sealed_id)s) p)
WHERE id = %(sealed_id)s

-- name: sealed_players_of_rounds
-- The rows of sealed_players of a period, computed from its rounds.
WITH scope AS MATERIALIZED (
    SELECT r.*, 17179869183 - extract(epoch FROM r.ended_at)::bigint AS earliness
    FROM unsealed_rounds(ARRAY[%(server_id)s], ARRAY[%(start)s]::timestamptz[], ARRAY[%(stop)s]::timestamptz[]) r
)
SELECT %(sealed_id)s::integer AS sealed_id, p.player_guid, ({player_flags})::smallint AS flags, {sealed_sums}
FROM {player_lines}
GROUP BY 2, 3

-- name: sealed_player_maps_of_rounds
-- The same by map.
WITH scope AS MATERIALIZED (
    SELECT r.*, 17179869183 - extract(epoch FROM r.ended_at)::bigint AS earliness
    FROM unsealed_rounds(ARRAY[%(server_id)s], ARRAY[%(start)s]::timestamptz[], ARRAY[%(stop)s]::timestamptz[]) r
)
SELECT %(sealed_id)s::integer AS sealed_id, s.map_name, p.player_guid, ({player_flags})::smallint AS flags, {on_map_sums}
FROM {player_lines}
GROUP BY 2, 3, 4

-- name: sealed_players_of_parts
-- The rows of sealed_players of a year, or of all past years, computed from those of its parts.
SELECT %(sealed_id)s::integer AS sealed_id, player_guid, flags, {sealed_totals}
FROM sealed_players
WHERE sealed_id IN (SELECT id FROM parts_of(%(sealed_id)s))
GROUP BY player_guid, flags

-- name: sealed_weapons_of_rounds
WITH scope AS MATERIALIZED (
    SELECT r.id, r.ended_at
    FROM unsealed_rounds(ARRAY[%(server_id)s], ARRAY[%(start)s]::timestamptz[], ARRAY[%(stop)s]::timestamptz[]) r
)
SELECT %(sealed_id)s::integer AS sealed_id, w.weapon_name, coalesce(w.player_guid, '') AS player_guid,
       CASE WHEN grouping(w.player_guid) = 1 THEN count(DISTINCT s.id) ELSE count(*) END AS rounds,
       max(s.ended_at) AS last_seen, sum(w.kills)::bigint AS kills, sum(w.deaths)::bigint AS deaths,
       sum(w.hits)::bigint AS hits, sum(w.shots)::bigint AS shots, sum(w.headshots)::bigint AS headshots
FROM scope s JOIN person_weapon_stats w ON w.round_id = s.id
GROUP BY GROUPING SETS ((w.weapon_name, w.player_guid), (w.weapon_name))

-- name: sealed_weapons_of_parts
SELECT %(sealed_id)s::integer AS sealed_id, weapon_name, player_guid, sum(rounds)::bigint AS rounds,
       max(last_seen) AS last_seen, sum(kills)::bigint AS kills, sum(deaths)::bigint AS deaths,
       sum(hits)::bigint AS hits, sum(shots)::bigint AS shots, sum(headshots)::bigint AS headshots
FROM sealed_weapons
WHERE sealed_id IN (SELECT id FROM parts_of(%(sealed_id)s))
GROUP BY weapon_name, player_guid

-- name: sealed_maps_of_rounds
WITH scope AS MATERIALIZED (
    SELECT r.*, 17179869183 - extract(epoch FROM r.ended_at)::bigint AS earliness
    FROM unsealed_rounds(ARRAY[%(server_id)s], ARRAY[%(start)s]::timestamptz[], ARRAY[%(stop)s]::timestamptz[]) r
), bests AS (
    SELECT s.map_name, {record_sums}
    FROM scope s JOIN person_stats p ON p.round_id = s.id
    WHERE (s.bots = 0 OR s.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
      AND p.player_guid <> ALL (ARRAY(SELECT h.player_guid FROM hidden_persons h))
    GROUP BY s.map_name
), sums AS (
    SELECT r.map_name, r.gaming_session_id, f.player_guid,
           17179869183 - extract(epoch FROM max(r.ended_at))::bigint AS earliness, {session_sums}
    FROM scope r JOIN player_feats f ON f.round_id = r.id
    WHERE (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
      AND r.gaming_session_id = ANY (%(sessions)s)
      AND f.player_guid <> ALL (ARRAY(SELECT h.player_guid FROM hidden_persons h))
    GROUP BY r.map_name, r.gaming_session_id, f.player_guid
), session_bests AS (
    SELECT map_name, {session_codes_on_map} FROM sums GROUP BY map_name
)
SELECT %(sealed_id)s::integer AS sealed_id, m.map_name, m.matches, {map_names}, {record_names}, {session_names_on_map}
FROM (SELECT s.map_name, {map_sums},
             count(DISTINCT s.match_id) FILTER (WHERE s.gaming_session_id = ANY (%(sessions)s)) AS matches
      FROM scope s GROUP BY s.map_name) m
LEFT JOIN bests USING (map_name)
LEFT JOIN session_bests USING (map_name)

-- name: sealed_maps_of_parts
-- Those of the parts, and the sessions that these leave out and the period does not.
WITH open AS MATERIALIZED (
    SELECT * FROM rounds r WHERE r.gaming_session_id = ANY (%(sessions)s) AND r.is_counted
), sums AS (
    SELECT r.map_name, r.gaming_session_id, f.player_guid,
           17179869183 - extract(epoch FROM max(r.ended_at))::bigint AS earliness, {session_sums}
    FROM open r JOIN player_feats f ON f.round_id = r.id
    WHERE (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
      AND f.player_guid <> ALL (ARRAY(SELECT h.player_guid FROM hidden_persons h))
    GROUP BY r.map_name, r.gaming_session_id, f.player_guid
), session_bests AS (
    SELECT map_name, {session_bests_on_map}
    FROM (SELECT map_name, {session_codes_on_map} FROM sums GROUP BY map_name
          UNION ALL
          SELECT map_name, {session_names_on_map} FROM sealed_maps
          WHERE sealed_id IN (SELECT id FROM parts_of(%(sealed_id)s))) b
    GROUP BY map_name
)
SELECT %(sealed_id)s::integer AS sealed_id, m.*, {session_names_on_map}
FROM (SELECT m.map_name,
             sum(m.matches)::bigint + (SELECT count(DISTINCT r.match_id) FROM open r WHERE r.map_name = m.map_name) AS matches,
             {map_totals}, {record_totals}
      FROM sealed_maps m
      WHERE m.sealed_id IN (SELECT id FROM parts_of(%(sealed_id)s))
      GROUP BY m.map_name) m
JOIN session_bests USING (map_name)

-- name: sealed_award_sessions
-- The sessions of a period that do not go on outside of it.
SELECT DISTINCT r.gaming_session_id
FROM unsealed_rounds(ARRAY[%(server_id)s], ARRAY[%(start)s]::timestamptz[], ARRAY[%(stop)s]::timestamptz[]) r
WHERE r.gaming_session_id <> ALL (ARRAY(SELECT unnest(d.split_sessions) FROM sealed d WHERE d.id = %(sealed_id)s))
ORDER BY r.gaming_session_id

-- name: sealed_sessions_between_parts
-- The sessions that the parts of a period leave out and the period does not.
SELECT DISTINCT r.gaming_session_id
FROM rounds r
WHERE r.gaming_session_id = ANY (ARRAY(SELECT unnest(p.split_sessions) FROM parts_of(%(sealed_id)s) p))
  AND r.gaming_session_id <> ALL (ARRAY(SELECT unnest(d.split_sessions) FROM sealed d WHERE d.id = %(sealed_id)s))
  AND r.is_counted
ORDER BY r.gaming_session_id

-- name: sealed_awards_of_parts
-- Those of the parts of a period, and the given sums.
SELECT %(sealed_id)s::integer AS sealed_id, player_guid, ARRAY[{award_times}]::integer[] AS times,
       ARRAY[{award_bests}]::double precision[] AS bests
FROM (SELECT player_guid, times, bests FROM sealed_awards WHERE sealed_id IN (SELECT id FROM parts_of(%(sealed_id)s))
      UNION ALL
      {given_awards}) a
GROUP BY player_guid

-- name: sealed_award_totals
-- The awards of sealed periods and of the given sums by award and player; `most`: the players of each award who took it
-- most often.
WITH sums AS MATERIALIZED (
    SELECT player_guid, ARRAY[{award_times}] AS times, ARRAY[{award_bests}] AS bests
    FROM (SELECT player_guid, times, bests FROM sealed_awards WHERE sealed_id = ANY (%(sealed_ids)s)
          UNION ALL
          {given_awards}) a
    GROUP BY player_guid
)
SELECT k.award, s.*
FROM unnest(%(awards)s::text[]) WITH ORDINALITY k (award, place)
CROSS JOIN LATERAL (
    SELECT player_guid, times[k.place] AS times, bests[k.place] AS best FROM sums
    WHERE times[k.place] > 0
    ORDER BY times[k.place] DESC, player_guid COLLATE "C" LIMIT %(most)s) s

-- name: open_rounds
-- The rounds in scope with their sessions, without those of the sessions whose awards are in sealed periods.
SELECT r.id, r.gaming_session_id FROM {session_rounds} r

-- name: sealed_careers
-- The period of careers: its id, and where it stops.
SELECT id, stop FROM sealed WHERE server_id = 0

-- name: try_seal_locks
-- False while another transaction changes rounds, or seals.
SELECT coalesce(bool_and(pg_try_advisory_xact_lock(seal_lock(), id)), true) FROM servers

-- name: next_stop_of_careers
-- The last moment until a time at which no gaming session goes on: when a session began before which all others ended.
WITH spans AS (
    SELECT min(ended_at) AS first, max(ended_at) AS last FROM rounds
    WHERE gaming_session_id IN (SELECT r.gaming_session_id FROM rounds r
                                WHERE r.ended_at >= %(since)s AND r.ended_at < %(until)s)
    GROUP BY gaming_session_id
), ordered AS (
    SELECT first, max(last) OVER (ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS last_before
    FROM spans
)
SELECT max(first) FROM ordered WHERE first > %(since)s AND first < %(until)s AND last_before < first

-- name: store_sealed_careers
INSERT INTO sealed AS d (server_id, level, start, stop, split_sessions, sessions)
VALUES (0, 2, '-infinity', %(stop)s, '{}', 0)
ON CONFLICT (server_id, level, start) DO UPDATE SET stop = excluded.stop
RETURNING id

-- name: sealed_careers_of_rounds
-- The sums that achievements are of between two moments, by player.
SELECT %(sealed_id)s::integer AS sealed_id, player_guid, ARRAY[{career_names}]::bigint[] AS totals
FROM (SELECT p.player_guid, {career_sums}
      FROM rounds r JOIN person_stats p ON p.round_id = r.id
      WHERE r.is_counted AND (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
        AND (%(since)s::timestamptz IS NULL OR r.ended_at >= %(since)s) AND r.ended_at < %(until)s
      GROUP BY p.player_guid) s

-- name: add_to_totals
ON CONFLICT (sealed_id, player_guid) DO UPDATE
SET totals = ARRAY(SELECT u.earlier + u.gained
                   FROM unnest(sealed_careers.totals, excluded.totals) WITH ORDINALITY AS u (earlier, gained, place)
                   ORDER BY u.place)

-- name: add_sealed_steps
INSERT INTO sealed_steps (sealed_id, player_guid, key, threshold, reached_on)
SELECT %(sealed_id)s, * FROM unnest(%(guids)s::text[], %(keys)s::text[], %(thresholds)s::bigint[],
                                    %(moments)s::timestamptz[])

-- name: hidden_guids
SELECT player_guid FROM hidden_persons

-- name: sealed_sessions_of_rounds
-- Without the sessions that go on outside of the period. A value and how early it was reached form one number, as in
-- round_records.
WITH sums AS MATERIALIZED (
    SELECT r.gaming_session_id, f.player_guid,
           17179869183 - extract(epoch FROM max(r.ended_at))::bigint AS earliness, {session_sums}
    FROM unsealed_rounds(ARRAY[%(server_id)s], ARRAY[%(start)s]::timestamptz[], ARRAY[%(stop)s]::timestamptz[]) r
    JOIN player_feats f ON f.round_id = r.id
    WHERE (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
      AND r.gaming_session_id <> ALL (ARRAY(SELECT unnest(d.split_sessions) FROM sealed d WHERE d.id = %(sealed_id)s))
    GROUP BY r.gaming_session_id, f.player_guid
), codes AS (
    SELECT player_guid, {session_codes} FROM sums
)
SELECT %(sealed_id)s::integer AS sealed_id, player_guid, {session_bests} FROM codes GROUP BY player_guid
UNION ALL
SELECT %(sealed_id)s::integer, '', {session_bests}
FROM codes WHERE player_guid <> ALL (ARRAY(SELECT h.player_guid FROM hidden_persons h))
HAVING count(*) > 0

-- name: sealed_sessions_of_parts
-- Those of the parts, and the sessions that these leave out and the period does not.
WITH sums AS MATERIALIZED (
    SELECT r.gaming_session_id, f.player_guid,
           17179869183 - extract(epoch FROM max(r.ended_at))::bigint AS earliness, {session_sums}
    FROM rounds r
    JOIN player_feats f ON f.round_id = r.id
    WHERE (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
      AND r.is_counted AND r.gaming_session_id = ANY (%(sessions)s)
    GROUP BY r.gaming_session_id, f.player_guid
), codes AS (
    SELECT player_guid, {session_codes} FROM sums
), parts AS (
    SELECT player_guid, {session_names} FROM sealed_sessions
    WHERE sealed_id IN (SELECT id FROM parts_of(%(sealed_id)s))
    UNION ALL
    SELECT * FROM codes
    UNION ALL
    SELECT '', {session_names} FROM codes
    WHERE player_guid <> ALL (ARRAY(SELECT h.player_guid FROM hidden_persons h))
)
SELECT %(sealed_id)s::integer AS sealed_id, player_guid, {session_bests} FROM parts GROUP BY player_guid
