-- error: The count or the first or last time of an alias differs from the stored rounds.
SELECT NULL::bigint AS file_id, NULL::bigint AS round_id, coalesce(a.guid, s.guid) AS player_guid,
       coalesce(a.alias, s.alias) AS field, concat_ws(', ', a.times_seen, a.first_seen, a.last_seen) AS value,
       concat_ws(', ', s.times_seen, s.first_seen, s.last_seen) AS expected
FROM player_aliases a
FULL JOIN (
    SELECT p.player_guid AS guid, p.clean_name AS alias, count(*)::integer AS times_seen,
           min(r.ended_at) AS first_seen, max(r.ended_at) AS last_seen
    FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
    GROUP BY p.player_guid, p.clean_name
) s ON s.guid = a.guid AND s.alias = a.alias
WHERE (a.times_seen, a.first_seen, a.last_seen) IS DISTINCT FROM (s.times_seen, s.first_seen, s.last_seen)
