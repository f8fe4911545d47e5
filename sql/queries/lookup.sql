-- Finding rounds, matches and sessions by id, day, name or scope.

-- name: rounds_by_id
-- Rounds with their files, in time order. `stamp` is the time of the file name; if that is over a day after the end
-- of the round, the server's clock was wrong, and `stamp` is the end of the round by a correct clock.
SELECT r.id, s.name AS server, r.server_id, r.gaming_session_id AS session_id, r.match_id, r.map_name,
       r.round_number, f.filename, r.config,
       CASE WHEN r.round_date + r.round_time > (r.ended_at AT TIME ZONE 'UTC') + interval '1 day'
            THEN (r.ended_at AT TIME ZONE coalesce(s.timezone, 'UTC'))::timestamp(0)
            ELSE r.round_date + r.round_time END AS stamp, r.ended_at, r.defender_team,
       r.winner_team, r.time_limit_seconds, r.duration_seconds AS actual_time_seconds, r.played_seconds,
       r.round_outcome AS outcome, r.is_cumulative, r.held, r.bots, r.anonymous, r.is_counted, s.stopwatch, r.series_id,
       coalesce(r.axis_team, 0) AS axis_team
FROM rounds r
JOIN servers s ON s.id = r.server_id
JOIN processed_files f ON f.id = r.file_id
WHERE r.id = ANY (%(round_ids)s)
ORDER BY r.ended_at, f.filename

-- name: recent_rounds
-- The newest rounds in scope; `most` NULL: all of them.
SELECT r.id
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s,
                     %(uncounted)s) r
ORDER BY r.ended_at DESC, r.id DESC
LIMIT %(most)s

-- name: recent_sessions
-- The newest gaming sessions with a round in scope; `most` NULL: all of them.
SELECT r.gaming_session_id AS id
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s,
                     %(uncounted)s) r
WHERE %(most)s::integer IS NULL OR r.gaming_session_id = ANY (
      newest_sessions(%(since)s, %(until)s, %(map_name)s, %(server)s, %(most)s, %(uncounted)s))
GROUP BY r.gaming_session_id
ORDER BY max(r.ended_at) DESC, r.gaming_session_id DESC
LIMIT %(most)s

-- name: sessions_of_rounds
-- The rounds of sessions: those that are counted, and all of a session in which none is.
SELECT r.id, r.gaming_session_id FROM rounds r
WHERE r.gaming_session_id = ANY (%(session_ids)s)
  AND (r.is_counted OR %(uncounted)s OR NOT EXISTS (
          SELECT FROM rounds o WHERE o.gaming_session_id = r.gaming_session_id AND o.is_counted))

-- name: round_ids_of_match
SELECT id FROM rounds WHERE server_id = %(server_id)s AND match_id = %(match_id)s

-- name: rounds_of_filename
-- The rounds of a file name, of every server that has one.
SELECT r.id FROM rounds r JOIN processed_files f ON f.id = r.file_id
WHERE f.filename = %(filename)s
ORDER BY r.ended_at DESC, r.id DESC

-- name: sessions_of_day
-- The sessions that began on a day of the server's clock, else those that continued into it.
WITH days AS (
    SELECT r.gaming_session_id, r.ended_at,
           CASE WHEN r.round_date + r.round_time > (r.ended_at AT TIME ZONE 'UTC') + interval '1 day'
                THEN (r.ended_at AT TIME ZONE coalesce(s.timezone, 'UTC'))::date
                ELSE r.round_date END AS day
    FROM rounds r JOIN servers s ON s.id = r.server_id
    -- The index is on ended_at; no time zone is a day off.
    WHERE r.ended_at BETWEEN %(day)s::date - interval '2 days' AND %(day)s::date + interval '3 days'
      AND (%(server)s::text IS NULL OR s.name = %(server)s)
),
spans AS (
    SELECT gaming_session_id AS id, min(day) AS first_day, max(day) AS last_day, min(ended_at) AS began
    FROM days
    WHERE day BETWEEN %(day)s::date - 1 AND %(day)s::date + 1
    GROUP BY gaming_session_id
)
SELECT id FROM spans
WHERE first_day = %(day)s
   OR (NOT EXISTS (SELECT FROM spans WHERE first_day = %(day)s) AND %(day)s BETWEEN first_day AND last_day)
ORDER BY began

-- name: nearest_days
-- The days with rounds nearest to a day, nearest first; without rounds dated in the future by a wrong clock.
SELECT round_date FROM rounds
WHERE (%(server)s::text IS NULL OR server_id = (SELECT id FROM servers WHERE name = %(server)s))
  AND round_date + round_time <= (ended_at AT TIME ZONE 'UTC') + interval '1 day'
GROUP BY round_date
ORDER BY abs(round_date - %(day)s::date), round_date
LIMIT 3

-- name: nearest_sessions
SELECT id FROM sessions ORDER BY abs(id - %(id)s::bigint), id LIMIT 3

-- name: nearest_rounds
SELECT id FROM rounds ORDER BY abs(id - %(id)s::bigint), id LIMIT 3

-- name: map_names
SELECT map_name FROM rounds GROUP BY map_name ORDER BY count(*) DESC, map_name

-- name: is_map_played
SELECT EXISTS (SELECT FROM rounds WHERE map_name = %(map_name)s)

-- name: played_span
SELECT min(ended_at), max(ended_at) FROM rounds

-- name: rounds_of_span
SELECT id FROM rounds
WHERE is_counted AND server_id = %(server_id)s AND ended_at BETWEEN %(first_at)s AND %(last_at)s
