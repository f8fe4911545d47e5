SELECT count(*) AS rounds, count(DISTINCT (r.server_id, r.match_id)) AS maps,
       count(DISTINCT r.gaming_session_id) AS sessions, coalesce(sum(r.played_seconds), 0)::bigint AS played_seconds
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
