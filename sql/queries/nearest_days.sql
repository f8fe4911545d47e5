-- The played days nearest to a day, nearest first.
SELECT round_date FROM rounds
WHERE %(server)s::text IS NULL OR server_id = (SELECT id FROM servers WHERE name = %(server)s)
GROUP BY round_date
ORDER BY abs(round_date - %(day)s::date), round_date
LIMIT 3
