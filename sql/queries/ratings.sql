-- Ratings: the matches to rate, the data they are rated from, and the stored ratings.

-- name: lock_ratings
SELECT pg_advisory_xact_lock('player_ratings'::regclass::oid::bigint)

-- name: are_ratings_behind
SELECT EXISTS (SELECT FROM unrated_matches)
    OR ((SELECT max(id) FROM rounds) IS NOT NULL AND NOT EXISTS (SELECT FROM rated_matches))

-- name: rating_changes_since
-- The earliest end of a round of the changed matches: each match that changed ends at that time or later.
SELECT least(min(u.ended_at), min(r.ended_at))
FROM unrated_matches u LEFT JOIN rounds r USING (server_id, match_id)

-- name: take_rating_changes
-- As rating_changes_since; the changes are removed from the log.
WITH taken AS (DELETE FROM unrated_matches RETURNING server_id, match_id, ended_at)
SELECT least(min(t.ended_at), min(r.ended_at))
FROM taken t LEFT JOIN rounds r USING (server_id, match_id)

-- name: drop_impossible_rating_changes
-- After `replace_impossible_times`, which logs each match with its new time, too.
DELETE FROM unrated_matches WHERE ended_at NOT BETWEEN '1969-12-30 00:00Z' AND '9001-01-02 00:00Z'

-- name: drop_rated_matches
DELETE FROM rated_matches WHERE %(since)s::timestamptz IS NULL OR ended_at >= %(since)s

-- name: drop_ratings_behind
DELETE FROM player_ratings WHERE position > %(position)s

-- name: rated_rounds
-- The rounds of all matches that ended at or after a time, in the order of rating. Cumulative rounds are left out, and
-- rounds with bots unless the settings say otherwise.
WITH changed AS MATERIALIZED (
    SELECT DISTINCT server_id, match_id FROM rounds
    WHERE is_counted AND (%(since)s::timestamptz IS NULL OR ended_at >= %(since)s)
)
SELECT r.server_id, r.match_id, r.round_number, r.ended_at, r.map_name, r.defender_team, r.winner_team,
       max(r.ended_at) OVER (PARTITION BY r.server_id, r.match_id) AS match_ended_at, r.time_limit_seconds,
       players.guids, players.teams, players.kills, players.deaths, players.damage_given, players.damage_received,
       players.seconds
FROM changed JOIN rounds r USING (server_id, match_id)
CROSS JOIN LATERAL (
    SELECT array_agg(p.player_guid) AS guids, array_agg(p.team) AS teams,
           array_agg(p.kills) AS kills, array_agg(p.deaths) AS deaths, array_agg(p.damage_given) AS damage_given,
           array_agg(p.damage_received) AS damage_received, array_agg(p.time_played_seconds) AS seconds
    FROM person_stats p
    WHERE p.round_id = r.id AND p.team IN (1, 2)) players
WHERE r.is_counted AND NOT r.is_cumulative
  AND (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
ORDER BY match_ended_at, r.match_id COLLATE "C", r.server_id, r.round_number

-- name: unrated_persons
-- Hidden and anonymized players count as unknown players in rated matches.
SELECT player_guid FROM hidden_persons
UNION
SELECT pseudonym_guid FROM forgotten_players

-- name: last_rated_match
SELECT position, server_id, match_id, ended_at, map_name, chance, result, advantage, map_attack_bias,
       map_attack_bias_variance, map_edge_sum, map_edge_rounds, any_attack_bias, any_attack_bias_variance,
       any_edge_sum, any_edge_rounds, slope, slope_variance, trust, trust_variance
FROM rated_matches
ORDER BY position DESC LIMIT 1

-- name: rating_states
-- The latest state of each of these players up to and including a match.
SELECT s.*
FROM unnest(%(guids)s::text[]) AS g (guid)
CROSS JOIN LATERAL (
    SELECT r.identity_guid, r.performance, r.performance_variance, r.contribution, r.contribution_variance, r.trust,
           r.rounds, r.ended_at
    FROM player_ratings r
    WHERE r.identity_guid = g.guid AND r.position <= %(position)s
    ORDER BY r.position DESC LIMIT 1) s

-- name: map_states
-- The latest state of each of these maps up to and including a match.
SELECT s.*
FROM unnest(%(maps)s::text[]) AS m (name)
CROSS JOIN LATERAL (
    SELECT r.map_name, r.map_attack_bias, r.map_attack_bias_variance, r.map_edge_sum, r.map_edge_rounds
    FROM rated_matches r
    WHERE r.map_name = m.name AND r.position <= %(position)s
    ORDER BY r.position DESC LIMIT 1) s

-- name: copy_ratings
COPY player_ratings (identity_guid, server_id, match_id, ended_at, mu, sigma, delta, position, performance,
    performance_variance, contribution, contribution_variance, trust, rounds, side) FROM STDIN (FORMAT BINARY)

-- name: copy_rated_matches
COPY rated_matches (position, server_id, match_id, ended_at, map_name, chance, result, advantage, map_attack_bias,
    map_attack_bias_variance, map_edge_sum, map_edge_rounds, any_attack_bias, any_attack_bias_variance, any_edge_sum,
    any_edge_rounds, slope, slope_variance, trust, trust_variance) FROM STDIN (FORMAT BINARY)

-- name: stored_ratings
-- All ratings in the order in which they were written, for the comparison with new ones.
SELECT position, identity_guid, server_id, match_id, ended_at, mu, sigma, delta
FROM player_ratings
ORDER BY position, identity_guid COLLATE "C"

-- name: ratings_now
-- The rating of each player now and before a time, with the number of rated rounds. `with_names`: false gives GUIDs as
-- names.
WITH RECURSIVE persons AS (
    (SELECT identity_guid FROM player_ratings ORDER BY identity_guid LIMIT 1)
    UNION ALL
    SELECT (SELECT r.identity_guid FROM player_ratings r
            WHERE r.identity_guid > p.identity_guid ORDER BY r.identity_guid LIMIT 1)
    FROM persons p WHERE p.identity_guid IS NOT NULL
)
SELECT persons.identity_guid AS player_guid, coalesce(names.player_name, persons.identity_guid) AS player_name,
       coalesce(names.clean_name, persons.identity_guid) AS clean_name, now.mu, now.sigma, now.rounds, now.ended_at,
       before.mu AS mu_before, before.rounds AS rounds_before
FROM persons
CROSS JOIN LATERAL (
    SELECT r.mu, r.sigma, r.rounds, r.ended_at FROM player_ratings r
    WHERE r.identity_guid = persons.identity_guid ORDER BY r.position DESC LIMIT 1) now
LEFT JOIN LATERAL (
    SELECT r.mu, r.rounds FROM player_ratings r
    WHERE r.identity_guid = persons.identity_guid
      AND r.position < (SELECT min(m.position) FROM rated_matches m WHERE m.ended_at > %(since)s)
    ORDER BY r.position DESC LIMIT 1) before ON true
LEFT JOIN LATERAL names_of(persons.identity_guid) names ON %(with_names)s
WHERE NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = persons.identity_guid)

-- name: rating_history
-- The rated matches of a player, newest first; chance and result from the player's point of view. Both are NULL where
-- the match has no result or the player changed the team.
SELECT m.match_id, s.name AS server, m.ended_at, m.map_name, r.mu, r.sigma, r.delta,
       CASE r.side WHEN 1 THEN m.chance WHEN 2 THEN 1 - m.chance END AS chance,
       CASE r.side WHEN 1 THEN m.result WHEN 2 THEN 1 - m.result END AS result
FROM player_ratings r
JOIN rated_matches m USING (position)
JOIN servers s ON s.id = m.server_id
WHERE r.identity_guid = person_of(%(guid)s)
ORDER BY r.position DESC
LIMIT %(limit)s

-- name: rating_results
-- The results of a player's rated matches as in rating_history, oldest first, without those that are NULL.
SELECT CASE r.side WHEN 1 THEN m.result ELSE 1 - m.result END AS result
FROM player_ratings r JOIN rated_matches m USING (position)
WHERE r.identity_guid = person_of(%(guid)s) AND r.side IS NOT NULL AND m.result IS NOT NULL
ORDER BY r.position

-- name: duos
-- Pairs who played matches for the same team: results, and the mean chance that the ratings gave them.
WITH sides AS MATERIALIZED (
    SELECT r.position, r.identity_guid AS player_guid, r.side,
           CASE r.side WHEN 1 THEN m.result ELSE 1 - m.result END AS result,
           CASE r.side WHEN 1 THEN m.chance ELSE 1 - m.chance END AS chance
    FROM rated_matches m JOIN player_ratings r USING (position)
    WHERE m.result IS NOT NULL AND r.side IS NOT NULL AND r.identity_guid <> ALL (%(unrated)s)
      AND (m.server_id, m.match_id) IN (
        SELECT r.server_id, r.match_id
        FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r)
), pairs AS (
    SELECT one.player_guid AS guid1, other.player_guid AS guid2, count(*) AS matches,
           count(*) FILTER (WHERE one.result = 1) AS won, count(*) FILTER (WHERE one.result = 0.5) AS drawn,
           count(*) FILTER (WHERE one.result = 0) AS lost, avg(one.result) AS win_share,
           avg(one.chance) AS expected_share
    FROM sides one
    JOIN sides other ON other.position = one.position AND other.side = one.side
                    AND other.player_guid > one.player_guid
    GROUP BY 1, 2
    HAVING count(*) >= %(least)s
)
SELECT pairs.*, one.player_name AS name1, one.clean_name AS clean_name1, other.player_name AS name2,
       other.clean_name AS clean_name2
FROM pairs CROSS JOIN LATERAL names_of(guid1) one CROSS JOIN LATERAL names_of(guid2) other

-- name: rivals
-- The opponents of a player in matches: results, and the mean chance that the ratings gave the player.
WITH own AS MATERIALIZED (
    SELECT r.position, r.side, CASE r.side WHEN 1 THEN m.result ELSE 1 - m.result END AS result,
           CASE r.side WHEN 1 THEN m.chance ELSE 1 - m.chance END AS chance
    FROM player_ratings r JOIN rated_matches m USING (position)
    WHERE r.identity_guid = person_of(%(guid)s) AND r.side IS NOT NULL AND m.result IS NOT NULL
      AND (m.server_id, m.match_id) IN (
        SELECT r.server_id, r.match_id
        FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r)
), met AS (
    SELECT r.identity_guid AS player_guid, count(*) AS matches, count(*) FILTER (WHERE own.result = 1) AS won,
           count(*) FILTER (WHERE own.result = 0.5) AS drawn, count(*) FILTER (WHERE own.result = 0) AS lost,
           avg(own.result) AS win_share, avg(own.chance) AS expected_share
    FROM own JOIN player_ratings r ON r.position = own.position AND r.side = 3 - own.side
    WHERE r.identity_guid <> ALL (%(unrated)s)
    GROUP BY r.identity_guid
    HAVING count(*) >= %(least)s
)
SELECT met.*, names.player_name, names.clean_name
FROM met CROSS JOIN LATERAL names_of(met.player_guid) names

-- name: rating_changes
-- The change of each player's rating by a match, and the chance of the player's team to win it that the ratings gave
-- before. It is NULL without a result, and where the player changed the team.
SELECT p.identity_guid, p.delta, CASE p.side WHEN 1 THEN m.chance WHEN 2 THEN 1 - m.chance END AS chance
FROM rated_matches m JOIN player_ratings p ON p.position = m.position
WHERE m.server_id = %(server_id)s AND m.match_id = %(match_id)s
