-- What each player did with one weapon in the rounds in scope, in the two parts of player_sums.
WITH scope AS MATERIALIZED (
    SELECT r.id, r.ended_at, r.ended_at <= max(r.ended_at) OVER () - interval '7 days' AS is_before
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
), sums AS (
    SELECT w.player_guid, s.is_before, count(*) AS rounds, max(s.ended_at) AS last_seen,
           sum(w.kills) AS kills, sum(w.deaths) AS deaths, sum(w.hits) AS hits, sum(w.shots) AS shots,
           sum(w.headshots) AS headshots, sum(w.headshots) AS bullet_headshots
    FROM scope s JOIN weapon_comprehensive_stats w ON w.round_id = s.id
    WHERE w.weapon_name = %(weapon)s
    GROUP BY w.player_guid, s.is_before
)
SELECT sums.*, names.player_name, names.clean_name
FROM sums
CROSS JOIN LATERAL names_of(sums.player_guid) names
WHERE NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = sums.player_guid)
