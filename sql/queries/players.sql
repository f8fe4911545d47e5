-- One player: names, rounds, maps, sides, weapons and teammates.

-- name: recorded_aliases
-- The names of every GUID.
SELECT guid, alias, times_seen, first_seen, last_seen
FROM player_aliases
ORDER BY last_seen DESC, times_seen DESC, guid, alias

-- name: aliases
-- The names of one person, or of all.
SELECT coalesce(i.identity_guid, a.guid) AS guid, a.alias, sum(a.times_seen)::integer AS times_seen,
       min(a.first_seen) AS first_seen, max(a.last_seen) AS last_seen
FROM player_aliases a LEFT JOIN player_identities i ON i.player_guid = a.guid
WHERE %(guid)s::text IS NULL OR a.guid = ANY (guids_of(ARRAY[%(guid)s]))
GROUP BY 1, a.alias
ORDER BY 5 DESC, 3 DESC, 1, a.alias

-- name: last_seen
-- The end of the last round of one person.
SELECT max(a.last_seen) FROM player_aliases a WHERE a.guid = ANY (guids_of(ARRAY[%(guid)s]))

-- name: known_names
-- The names by which a player is found: those of every GUID, and the display names.
SELECT coalesce(i.identity_guid, a.guid) AS guid, a.alias, a.times_seen, a.last_seen, a.guid AS recorded_guid,
       false AS is_display
FROM player_aliases a LEFT JOIN player_identities i ON i.player_guid = a.guid
UNION ALL
SELECT i.identity_guid, i.display_name, 0, max(a.last_seen), i.identity_guid, true
FROM player_identities i JOIN player_aliases a ON a.guid = ANY (guids_of(ARRAY[i.identity_guid]))
WHERE i.player_guid = i.identity_guid AND i.display_name IS NOT NULL
GROUP BY i.identity_guid, i.display_name

-- name: last_names
-- The clean names of these persons.
SELECT p.guid, n.clean_name FROM unnest(%(guids)s::text[]) AS p (guid) CROSS JOIN LATERAL names_of(p.guid) n

-- name: count_aliases
INSERT INTO player_aliases (guid, alias, times_seen, first_seen, last_seen)
SELECT p.player_guid, p.clean_name, count(*), min(r.ended_at), max(r.ended_at)
FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
GROUP BY p.player_guid, p.clean_name

-- name: drop_aliases
DELETE FROM player_aliases

-- name: disable_alias_triggers
-- A rebuild counts the aliases once at the end instead of at each step.
ALTER TABLE player_comprehensive_stats DISABLE TRIGGER aliases_seen, DISABLE TRIGGER aliases_unseen

-- name: enable_alias_triggers
ALTER TABLE player_comprehensive_stats ENABLE TRIGGER aliases_seen, ENABLE TRIGGER aliases_unseen

-- name: player_rounds
-- The player's last rounds in scope, newest first. Cumulative rounds are excluded.
SELECT r.id AS round_id, r.ended_at, r.map_name, r.round_number, p.team <> r.defender_team AS is_attack,
       CASE WHEN r.winner_team > 0 THEN r.winner_team = p.team END AS is_won,
       p.kills, p.deaths, p.damage_given, p.dpm, p.time_played_seconds
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN person_stats p ON p.round_id = r.id
WHERE p.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND p.player_guid = %(guid)s
  AND NOT r.is_cumulative AND p.team IN (1, 2) AND p.time_played_seconds > 0
ORDER BY r.ended_at DESC, r.id DESC
LIMIT %(limit)s

-- name: player_maps
-- The player's sums in scope by map, best DPM first; maps with few rounds come last.
WITH own AS MATERIALIZED (
    -- From the index alone: the planner would search for the player in each round.
    SELECT p.round_id FROM player_comprehensive_stats p WHERE p.player_guid = ANY (guids_of(ARRAY[%(guid)s]))
), scope AS MATERIALIZED (
    SELECT r.* FROM {rounds} r JOIN own ON own.round_id = r.id
), parts AS (
    SELECT s.map_name, {outcome_sums}
    FROM scope s JOIN person_stats p ON p.round_id = s.id
    WHERE p.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND p.player_guid = %(guid)s
    GROUP BY s.map_name
    UNION ALL
    SELECT map_name, {outcome_names} FROM sealed_player_maps
    WHERE sealed_id = ANY (%(sealed_ids)s) AND player_guid = %(guid)s
      AND (%(map_name)s::text IS NULL OR map_name = %(map_name)s)
), sums AS (
    SELECT map_name, {outcome_totals} FROM parts GROUP BY map_name
)
SELECT map_name, rounds, all_won AS won, all_lost AS lost,
       all_won::double precision / nullif(all_won + all_lost, 0) AS win_share, kills, deaths,
       coalesce(kills::double precision / nullif(deaths, 0), kills) AS kd_ratio,
       60 * damage_given::double precision / nullif(time_played_seconds, 0) AS dpm
FROM sums
ORDER BY rounds < 4, dpm DESC NULLS LAST, map_name

-- name: player_sides
-- The player's sums in scope in attack and in defence. A cumulative round was played on both sides.
WITH parts AS (
    SELECT {side_sums}
    FROM {rounds} s JOIN person_stats p ON p.round_id = s.id
    WHERE p.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND p.player_guid = %(guid)s
    UNION ALL
    SELECT {side_names} FROM sealed_players
    WHERE sealed_id = ANY (%(sealed_ids)s) AND player_guid = %(guid)s
), sums AS (
    SELECT {side_totals} FROM parts
)
SELECT v.is_attack, v.rounds, v.won, v.lost, v.won::double precision / nullif(v.won + v.lost, 0) AS win_share,
       v.kills, v.deaths, coalesce(v.kills::double precision / nullif(v.deaths, 0), v.kills) AS kd_ratio,
       60 * v.damage::double precision / nullif(v.seconds, 0) AS dpm
FROM sums s
CROSS JOIN LATERAL (VALUES
    (true, s.attack_rounds, s.attack_won, s.attack_lost, s.attack_kills, s.attack_deaths, s.attack_damage,
     s.attack_seconds),
    (false, s.defence_rounds, s.defence_won, s.defence_lost, s.defence_kills, s.defence_deaths, s.defence_damage,
     s.defence_seconds)) v (is_attack, rounds, won, lost, kills, deaths, damage, seconds)
WHERE v.rounds > 0
ORDER BY v.is_attack DESC

-- name: player_weapons
-- The player's sums in scope by weapon; accuracy only of bullet weapons.
WITH sums AS (
    SELECT weapon_name, sum(rounds)::bigint AS rounds, sum(kills)::bigint AS kills, sum(deaths)::bigint AS deaths,
           sum(hits)::bigint AS hits, sum(shots)::bigint AS shots, sum(headshots)::bigint AS headshots
    FROM (SELECT w.weapon_name, 1 AS rounds, w.kills, w.deaths, w.hits, w.shots, w.headshots
          FROM {rounds} r JOIN person_weapon_stats w ON w.round_id = r.id
          WHERE w.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND w.player_guid = %(guid)s
          UNION ALL
          SELECT weapon_name, rounds, kills, deaths, hits, shots, headshots FROM sealed_weapons
          WHERE sealed_id = ANY (%(sealed_ids)s) AND player_guid = %(guid)s) parts
    GROUP BY weapon_name
)
SELECT weapon_name, rounds, kills, deaths, hits, shots, headshots,
       CASE WHEN is_bullet_weapon(weapon_name)
            THEN 100 * hits::double precision / nullif(shots, 0) END AS accuracy,
       CASE WHEN is_bullet_weapon(weapon_name)
            THEN 100 * headshots::double precision / nullif(hits, 0) END AS headshot_share
FROM sums
ORDER BY kills DESC, weapon_name

-- name: player_teammates
-- The players on the same and on the other side, in how many rounds, and how many of them the player won.
WITH own AS MATERIALIZED (
    SELECT r.id, p.team, r.winner_team
    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
    JOIN person_stats p ON p.round_id = r.id
    WHERE p.recorded_guid = ANY (guids_of(ARRAY[%(guid)s])) AND p.player_guid = %(guid)s AND p.team IN (1, 2)
      -- An array, because the planner expects few elements and uses the index.
      AND (%(other)s::text IS NULL
           OR p.round_id = ANY (ARRAY(SELECT o.round_id FROM player_comprehensive_stats o
                                      WHERE o.player_guid = ANY (guids_of(ARRAY[%(other)s])))))
), met AS (
    SELECT o.player_guid,
           count(*) FILTER (WHERE o.team = own.team) AS rounds_with,
           count(*) FILTER (WHERE o.team = own.team AND own.winner_team = own.team) AS won_with,
           count(*) FILTER (WHERE o.team = own.team AND own.winner_team = 3 - own.team) AS lost_with,
           count(*) FILTER (WHERE o.team <> own.team) AS rounds_against,
           count(*) FILTER (WHERE o.team <> own.team AND own.winner_team = own.team) AS won_against,
           count(*) FILTER (WHERE o.team <> own.team AND own.winner_team = 3 - own.team) AS lost_against
    FROM own JOIN person_stats o ON o.round_id = own.id
    WHERE o.player_guid <> %(guid)s AND o.team IN (1, 2)
      AND (%(other)s::text IS NULL
           OR o.recorded_guid = ANY (guids_of(ARRAY[%(other)s])) AND o.player_guid = %(other)s)
    GROUP BY o.player_guid
)
SELECT met.*,
       won_with::double precision / nullif(won_with + lost_with, 0) AS win_share_with,
       won_against::double precision / nullif(won_against + lost_against, 0) AS win_share_against,
       names.player_name, names.clean_name
FROM met CROSS JOIN LATERAL names_of(met.player_guid) names
-- Applied last, where few rows are left: the planner has no statistics of a mostly empty table.
WHERE met.player_guid = %(other)s
   OR NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = met.player_guid)

-- name: player_list
-- The persons with rounds in scope who are not hidden, the last seen first; `most`: the first of them.
WITH parts AS (
    SELECT p.player_guid, {list_sums}
    FROM {rounds} s JOIN person_stats p ON p.round_id = s.id
    GROUP BY p.player_guid
    UNION ALL
    SELECT player_guid, {list_names}
    FROM (SELECT sealed_id, player_guid, {list_names} FROM sealed_players WHERE %(map_name)s::text IS NULL
          UNION ALL
          SELECT sealed_id, player_guid, {list_names} FROM sealed_player_maps WHERE map_name = %(map_name)s) s
    WHERE sealed_id = ANY (%(sealed_ids)s)
), sums AS (
    SELECT player_guid, {list_totals} FROM parts GROUP BY player_guid
), shown AS (
    SELECT s.* FROM sums s
    WHERE NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = s.player_guid)
    ORDER BY s.last_seen DESC, s.rounds DESC, s.player_guid
    LIMIT %(most)s
)
SELECT s.player_guid, names.player_name, names.clean_name, s.rounds, s.first_seen, s.last_seen
FROM shown s
CROSS JOIN LATERAL names_of(s.player_guid) names
ORDER BY s.last_seen DESC, s.rounds DESC, s.player_guid

-- name: present_names
SELECT guid, names.player_name, names.clean_name
FROM unnest(%(guids)s::text[]) guid CROSS JOIN LATERAL names_of(guid) names

-- name: suggestible_names
-- The names of every person, by the person's GUID, without hidden and anonymized players.
SELECT coalesce(i.identity_guid, a.guid) AS guid, a.alias, a.times_seen, a.first_seen, a.last_seen
FROM player_aliases a LEFT JOIN player_identities i ON i.player_guid = a.guid
WHERE NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = a.guid)
  AND NOT EXISTS (SELECT FROM forgotten_players f WHERE f.pseudonym_guid = a.guid)
ORDER BY guid, a.alias

-- name: pairs_that_met
-- Of these pairs of persons those who played in the same round under any of their GUIDs.
SELECT c.one, c.other
FROM unnest(%(ones)s::text[], %(others)s::text[]) AS c (one, other)
WHERE EXISTS (SELECT FROM player_comprehensive_stats p JOIN player_comprehensive_stats q ON q.round_id = p.round_id
              WHERE p.player_guid = ANY (guids_of(ARRAY[c.one])) AND q.player_guid = ANY (guids_of(ARRAY[c.other]))
                AND p.time_played_seconds > 0 AND q.time_played_seconds > 0)
