-- Everybody's numbers over groups of rounds: `groups` says for each of `round_ids` to which scoreboard it adds.
-- Sums first, then ratios. Time dead never exceeds time played, and a denied playtime longer than the opponents'
-- whole time is nobody's merit: neither may lead anything. `place` is a round's place in time.
WITH chosen AS MATERIALIZED (
    SELECT g.group_id, r.id AS round_id, r.is_cumulative, row_number() OVER (ORDER BY r.ended_at, r.id) AS place
    FROM unnest(%(round_ids)s::bigint[], %(groups)s::bigint[]) AS g (round_id, group_id)
    JOIN rounds r ON r.id = g.round_id
), lines AS (
    SELECT c.group_id, c.place, c.is_cumulative, p.*,
           CASE WHEN p.denied_playtime <= p.time_played_seconds
                  OR p.denied_playtime <= p.time_played_seconds * (
                     SELECT count(*) FROM player_comprehensive_stats o
                     WHERE o.round_id = p.round_id AND o.team = 3 - p.team)
                THEN p.denied_playtime END AS denied
    FROM chosen c JOIN player_comprehensive_stats p ON p.round_id = c.round_id
), sums AS (
    -- The last round tells name and side; looked up behind the sums, because sorting every row for it would cost more.
    SELECT group_id, (max(ARRAY[place, round_id]))[2] AS last_round, player_guid,
           count(*)::integer AS rounds,
           sum(kills)::integer AS kills, sum(deaths)::integer AS deaths, sum(headshots)::integer AS headshots,
           sum(headshot_kills)::integer AS headshot_kills, sum(hits)::integer AS hits,
           sum(shots)::integer AS shots, sum(bullets_fired)::integer AS bullets_fired,
           sum(damage_given)::integer AS damage_given, sum(damage_received)::integer AS damage_received,
           sum(team_damage_given)::integer AS team_damage_given,
           sum(team_damage_received)::integer AS team_damage_received,
           sum(gibs)::integer AS gibs, sum(self_kills)::integer AS self_kills,
           sum(team_kills)::integer AS team_kills, sum(team_gibs)::integer AS team_gibs,
           sum(time_played_seconds)::integer AS time_played_seconds,
           sum(round(time_dead_ratio * time_played_seconds / 100))::integer AS time_dead_seconds,
           sum(denied)::integer AS denied_playtime, sum(xp)::integer AS xp,
           -- A best of both rounds together is no best of a round.
           coalesce(max(killing_spree_best) FILTER (WHERE NOT is_cumulative), 0)::integer AS killing_spree_best,
           coalesce(max(death_spree_worst) FILTER (WHERE NOT is_cumulative), 0)::integer AS death_spree_worst,
           sum(kill_assists)::integer AS kill_assists, sum(kill_steals)::integer AS kill_steals,
           sum(objectives_stolen)::integer AS objectives_stolen,
           sum(objectives_returned)::integer AS objectives_returned,
           sum(dynamites_planted)::integer AS dynamites_planted,
           sum(dynamites_defused)::integer AS dynamites_defused,
           sum(times_revived)::integer AS times_revived, sum(revives_given)::integer AS revives_given,
           sum(most_useful_kills)::integer AS most_useful_kills, sum(useless_kills)::integer AS useless_kills,
           sum(full_selfkills)::integer AS full_selfkills, sum(constructions)::integer AS constructions,
           sum(double_kills)::integer AS double_kills, sum(triple_kills)::integer AS triple_kills,
           sum(quad_kills)::integer AS quad_kills, sum(multi_kills)::integer AS multi_kills,
           sum(mega_kills)::integer AS mega_kills
    FROM lines
    GROUP BY group_id, player_guid
)
SELECT s.*, last.*, h.player_guid IS NOT NULL AS is_hidden,
       CASE WHEN deaths = 0 THEN kills ELSE kills::double precision / deaths END AS kd_ratio,
       CASE WHEN time_played_seconds = 0 THEN 0 ELSE 60.0 * damage_given / time_played_seconds
       END::double precision AS dpm,
       CASE WHEN kills + deaths = 0 THEN 0 ELSE 100.0 * kills / (kills + deaths) END::double precision AS efficiency,
       (100.0 * hits / nullif(shots, 0))::double precision AS accuracy,
       (100.0 * least(headshots, hits) / nullif(hits, 0))::double precision AS hs_percent,
       CASE WHEN time_played_seconds = 0 THEN 0 ELSE 100.0 * time_dead_seconds / time_played_seconds
       END::double precision AS time_dead_ratio
FROM sums s
CROSS JOIN LATERAL (
    SELECT p.player_name, p.clean_name, p.team::integer AS team FROM player_comprehensive_stats p
    WHERE p.round_id = s.last_round AND p.player_guid = s.player_guid) last
LEFT JOIN hidden_players h USING (player_guid)
ORDER BY s.group_id, s.damage_given DESC, s.player_guid
