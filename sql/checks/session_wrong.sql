-- error: Two consecutive rounds are wrongly in one gaming session, or wrongly in two.
SELECT NULL::bigint AS file_id, n.id AS round_id, NULL AS player_guid, 'gaming_session_id' AS field,
       n.gaming_session_id::text AS value,
       CASE WHEN n.belong_together THEN n.before::text ELSE 'not ' || n.before END AS expected
FROM (
    SELECT r.id, r.gaming_session_id, lag(r.gaming_session_id) OVER w AS before,
           r.ended_at - lag(r.ended_at) OVER w <= %(gap)s
           -- A match that began before and ends at this round or later.
           OR coalesce(max(greatest(r.ended_at, one.ended_at, two.ended_at)) OVER (
                  w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) >= r.ended_at, false) AS belong_together
    FROM rounds r
    JOIN servers s ON s.id = r.server_id
    LEFT JOIN rounds one ON one.id = r.round1_id AND s.stopwatch
    LEFT JOIN rounds two ON two.round1_id = r.id AND s.stopwatch
    WINDOW w AS (PARTITION BY r.server_id ORDER BY r.ended_at, r.round_date, r.round_time)
) n
WHERE n.before IS NOT NULL AND n.belong_together <> (n.gaming_session_id = n.before)
