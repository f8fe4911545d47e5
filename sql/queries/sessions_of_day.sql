-- The sessions that began on a day of the servers' clocks, else those that went on into it.
WITH spans AS (
    SELECT gaming_session_id AS id, min(round_date) AS first_day, max(round_date) AS last_day,
           min(ended_at) AS began
    FROM rounds
    WHERE round_date BETWEEN %(day)s::date - 1 AND %(day)s::date + 1
      -- The index is by moment; no server's clock is a day off.
      AND ended_at BETWEEN %(day)s::date - interval '2 days' AND %(day)s::date + interval '3 days'
      AND (%(server)s::text IS NULL OR server_id = (SELECT id FROM servers WHERE name = %(server)s))
    GROUP BY gaming_session_id
)
SELECT id FROM spans
WHERE first_day = %(day)s
   OR (NOT EXISTS (SELECT FROM spans WHERE first_day = %(day)s) AND %(day)s BETWEEN first_day AND last_day)
ORDER BY began
