-- error: Two consecutive rounds are wrongly in one gaming session, or wrongly in two.
SELECT NULL::bigint AS file_id, n.id AS round_id, NULL AS player_guid, 'gaming_session_id' AS field,
       n.gaming_session_id::text AS value,
       CASE WHEN n.is_near THEN n.before::text ELSE 'not ' || n.before END AS expected
FROM (
    SELECT r.id, r.gaming_session_id, lag(r.gaming_session_id) OVER w AS before,
           r.ended_at - lag(r.ended_at) OVER w <= %(gap)s AS is_near
    FROM rounds r
    WINDOW w AS (PARTITION BY r.server_id ORDER BY r.ended_at)
) n
WHERE n.is_near <> (n.gaming_session_id = n.before)
