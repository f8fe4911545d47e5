-- The rounds in scope in which somebody used a weapon; the week before is that of the whole scope.
SELECT count(*) AS rounds, count(*) FILTER (WHERE is_before) AS rounds_before, max(ended_at) AS newest
FROM (SELECT r.id, r.ended_at, r.ended_at <= max(r.ended_at) OVER () - interval '7 days' AS is_before
      FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r) s
WHERE s.id IN (SELECT w.round_id FROM weapon_comprehensive_stats w WHERE w.weapon_name = %(weapon)s)
