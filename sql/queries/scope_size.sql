SELECT count(*) AS rounds, count(*) FILTER (WHERE is_before) AS rounds_before, max(ended_at) AS newest
FROM (SELECT r.ended_at, r.ended_at <= max(r.ended_at) OVER () - interval '7 days' AS is_before
      FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r) s
