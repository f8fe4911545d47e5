-- error: A round ended before 1970 or after 9000, the years that the name of a file can have.
SELECT NULL::bigint AS file_id, r.id AS round_id, NULL AS player_guid, 'ended_at' AS field, r.ended_at::text AS value,
       'a year from 1970 to 9000' AS expected
FROM rounds r
WHERE r.ended_at NOT BETWEEN '1969-12-30 00:00Z' AND '9001-01-02 00:00Z'
