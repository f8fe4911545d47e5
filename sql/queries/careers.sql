-- What each player did before a moment, or in some rounds: sums for achievements, bests of single rounds for
-- records. Hidden players hold neither, unless asked for.
-- A round 2 that holds round 1 too adds to the sums and sets no best.
SELECT p.player_guid, count(*)::integer AS rounds,
       sum(p.kills)::bigint AS kills, sum(p.headshot_kills)::bigint AS headshot_kills,
       sum(p.damage_given)::bigint AS damage_given, sum(p.gibs)::bigint AS gibs,
       coalesce(sum(p.revives_given), 0)::bigint AS revives_given, sum(p.kill_assists)::bigint AS kill_assists,
       sum(p.dynamites_planted)::bigint AS dynamites_planted,
       sum(p.dynamites_defused)::bigint AS dynamites_defused,
       sum(p.objectives_stolen + p.objectives_returned)::bigint AS objectives,
       coalesce(sum(p.constructions), 0)::bigint AS constructions,
       sum(p.most_useful_kills)::bigint AS most_useful_kills,
       sum(p.multi_kills + p.mega_kills)::bigint AS multikills,
       sum(p.time_played_seconds)::bigint AS time_played_seconds,
       coalesce(max(p.kills) FILTER (WHERE NOT r.is_cumulative), 0) AS best_kills,
       coalesce(max(p.damage_given) FILTER (WHERE NOT r.is_cumulative), 0) AS best_damage_given,
       coalesce(max(p.dpm) FILTER (WHERE NOT r.is_cumulative AND p.time_played_seconds >= %(dpm_seconds)s), 0)
           AS best_dpm,
       coalesce(max(p.headshot_kills) FILTER (WHERE NOT r.is_cumulative), 0) AS best_headshot_kills,
       coalesce(max(p.killing_spree_best) FILTER (WHERE NOT r.is_cumulative), 0) AS best_killing_spree,
       coalesce(max(p.revives_given) FILTER (WHERE NOT r.is_cumulative), 0) AS best_revives_given,
       coalesce(max(p.gibs) FILTER (WHERE NOT r.is_cumulative), 0) AS best_gibs,
       coalesce(max(p.most_useful_kills) FILTER (WHERE NOT r.is_cumulative), 0) AS best_most_useful_kills
FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id
WHERE (%(before)s::timestamptz IS NULL OR r.ended_at < %(before)s)
  AND (%(round_ids)s::bigint[] IS NULL OR r.id = ANY (%(round_ids)s))
  AND (%(guids)s::text[] IS NULL OR p.player_guid = ANY (%(guids)s))
  AND (%(with_hidden)s OR NOT EXISTS (SELECT FROM hidden_players h WHERE h.player_guid = p.player_guid))
GROUP BY p.player_guid
