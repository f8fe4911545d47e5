-- error: A player of a session's longest series has no team, or a team has a player who was not there.
SELECT NULL::bigint AS file_id, coalesce(there.round_id, (
           SELECT min(r.id) FROM rounds r WHERE r.gaming_session_id = t.session_id)) AS round_id,
       coalesce(there.player_guid, t.player_guid) AS player_guid, 'team' AS field,
       coalesce(t.team::text, 'none') AS value,
       CASE WHEN t.team IS NULL THEN '1 or 2' ELSE 'none' END AS expected
FROM (
    SELECT r.gaming_session_id AS session_id, p.player_guid, min(r.id) AS round_id
    FROM (
        SELECT DISTINCT ON (s.gaming_session_id) s.id
        FROM series s JOIN rounds x ON x.series_id = s.id
        GROUP BY s.id
        ORDER BY s.gaming_session_id, count(DISTINCT x.match_id) DESC, count(*) DESC, s.number
    ) longest
    JOIN rounds r ON r.series_id = longest.id
    JOIN person_stats p ON p.round_id = r.id
    WHERE p.team IN (1, 2)
    GROUP BY r.gaming_session_id, p.player_guid
) there
FULL JOIN session_teams t ON t.session_id = there.session_id AND t.player_guid = there.player_guid
WHERE there.player_guid IS NULL OR t.player_guid IS NULL
