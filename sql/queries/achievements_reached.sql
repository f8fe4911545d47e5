-- When each player's running sums passed a threshold: the evening at whose end it was so. `places` and `thresholds`
-- are the steps of the ladders, a ladder being a place in `gained`. Hidden players reach nothing that is shown.
WITH evenings AS (
    SELECT p.player_guid, r.gaming_session_id, max(r.ended_at) AS ended_at,
           count(*) AS rounds, sum(p.kills) AS kills, sum(p.headshot_kills) AS headshot_kills,
           sum(p.damage_given) AS damage_given, sum(p.gibs) AS gibs,
           coalesce(sum(p.revives_given), 0) AS revives_given, sum(p.kill_assists) AS kill_assists,
           sum(p.dynamites_planted) AS dynamites_planted, sum(p.dynamites_defused) AS dynamites_defused,
           sum(p.objectives_stolen + p.objectives_returned) AS objectives,
           coalesce(sum(p.constructions), 0) AS constructions, sum(p.most_useful_kills) AS most_useful_kills,
           sum(p.multi_kills + p.mega_kills) AS multikills
    FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id
    WHERE (%(guid)s::text IS NULL OR p.player_guid = %(guid)s)
      AND (%(guid)s::text IS NOT NULL
           OR NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = p.player_guid))
    GROUP BY p.player_guid, r.gaming_session_id
), runs AS (
    SELECT player_guid, ended_at,
           ARRAY[rounds, kills, headshot_kills, damage_given, gibs, revives_given, kill_assists, dynamites_planted,
                 dynamites_defused, objectives, constructions, most_useful_kills, multikills]::bigint[] AS gained,
           ARRAY[sum(rounds) OVER w, sum(kills) OVER w, sum(headshot_kills) OVER w, sum(damage_given) OVER w,
                 sum(gibs) OVER w, sum(revives_given) OVER w, sum(kill_assists) OVER w,
                 sum(dynamites_planted) OVER w, sum(dynamites_defused) OVER w, sum(objectives) OVER w,
                 sum(constructions) OVER w, sum(most_useful_kills) OVER w, sum(multikills) OVER w]::bigint[] AS total
    FROM evenings
    WINDOW w AS (PARTITION BY player_guid ORDER BY ended_at, gaming_session_id)
)
SELECT r.player_guid, s.key, s.threshold, r.ended_at AS reached_on
FROM runs r
CROSS JOIN LATERAL unnest(r.gained, r.total) WITH ORDINALITY AS u (gained, total, place)
JOIN unnest(%(keys)s::text[], %(places)s::bigint[], %(thresholds)s::bigint[]) AS s (key, place, threshold)
  ON s.place = u.place AND s.threshold <= u.total AND s.threshold > u.total - u.gained
WHERE u.gained > 0
ORDER BY s.place, s.threshold, r.ended_at, r.player_guid
