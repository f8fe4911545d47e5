-- Who stood beside a player, and who opposite, in how many rounds, and how many the player won.
WITH own AS MATERIALIZED (
    SELECT r.id, p.team, r.winner_team
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
    JOIN player_comprehensive_stats p ON p.round_id = r.id
    WHERE p.player_guid = %(guid)s AND p.team IN (1, 2)
), met AS (
    SELECT o.player_guid,
           count(*) FILTER (WHERE o.team = own.team) AS rounds_with,
           count(*) FILTER (WHERE o.team = own.team AND own.winner_team = own.team) AS won_with,
           count(*) FILTER (WHERE o.team = own.team AND own.winner_team = 3 - own.team) AS lost_with,
           count(*) FILTER (WHERE o.team <> own.team) AS rounds_against,
           count(*) FILTER (WHERE o.team <> own.team AND own.winner_team = own.team) AS won_against,
           count(*) FILTER (WHERE o.team <> own.team AND own.winner_team = 3 - own.team) AS lost_against
    FROM own JOIN player_comprehensive_stats o ON o.round_id = own.id
    WHERE o.player_guid <> %(guid)s AND o.team IN (1, 2)
      AND (%(other)s::text IS NULL OR o.player_guid = %(other)s)
    GROUP BY o.player_guid
)
SELECT met.*,
       won_with::double precision / nullif(won_with + lost_with, 0) AS win_share_with,
       won_against::double precision / nullif(won_against + lost_against, 0) AS win_share_against,
       names.player_name, names.clean_name
FROM met CROSS JOIN LATERAL names_of(met.player_guid) names
-- Here, where few rows are left: the planner knows nothing of a table that is mostly empty.
WHERE met.player_guid = %(other)s
   OR NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = met.player_guid)
