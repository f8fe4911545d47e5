-- Statistics of all players at once, for the pages of the site.

-- name: round_fingerprints
-- A hash of all that is stored of each round: its row, its file's content and its players.
SELECT r.id, r.gaming_session_id AS session_id,
       hash_record_extended(r, 0) # hashtextextended(f.file_hash, 0) # hashtextextended(v.name, 0)
       # coalesce(p.fingerprint, 0) AS fingerprint
FROM rounds r
JOIN processed_files f ON f.id = r.file_id
JOIN servers v ON v.id = r.server_id
LEFT JOIN (SELECT s.round_id, bit_xor(hash_record_extended(s, 0)) AS fingerprint
           FROM player_comprehensive_stats s GROUP BY s.round_id) p ON p.round_id = r.id
ORDER BY r.ended_at, r.id

-- name: participants
-- A session in which no player has a GUID has one row, with NULL.
SELECT DISTINCT r.gaming_session_id, p.player_guid
FROM rounds r LEFT JOIN person_stats p ON p.round_id = r.id
WHERE r.is_counted
ORDER BY 1, 2

-- name: shown_players
SELECT a.guid, names.player_name
FROM (SELECT DISTINCT person_of(guid) AS guid FROM player_aliases) a CROSS JOIN LATERAL names_of(a.guid) names
WHERE NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = a.guid)
ORDER BY a.guid

-- name: all_sides
SELECT round_id, player_guid, team FROM person_stats ORDER BY round_id, player_guid

-- name: merged_players
SELECT player_guid, identity_guid FROM player_identities WHERE identity_guid <> player_guid ORDER BY player_guid

-- name: all_ratings
SELECT identity_guid, ended_at, mu, sigma FROM player_ratings ORDER BY ended_at, server_id, match_id, identity_guid

-- name: session_sums
-- What each player did in each session. `place` counts the sessions that had begun (their first round had ended) when
-- the rounds ended: two sessions of two servers may overlap. Cumulative rounds set no bests.
WITH starts AS MATERIALIZED (
    SELECT array_agg(first ORDER BY first) AS firsts
    FROM (SELECT min(ended_at) AS first FROM rounds GROUP BY gaming_session_id) s
)
SELECT r.gaming_session_id AS session_id, p.player_guid, width_bucket(r.ended_at, starts.firsts) AS place,
       max(r.ended_at) AS ended_at,
       count(*)::integer AS rounds, sum(p.kills)::integer AS kills, sum(p.deaths)::integer AS deaths,
       sum(p.damage_given)::bigint AS damage_given, sum(p.time_played_seconds)::integer AS time_played_seconds,
       coalesce(max(p.kills) FILTER (WHERE NOT r.is_cumulative), 0) AS best_kills,
       coalesce(max(p.damage_given) FILTER (WHERE NOT r.is_cumulative), 0) AS best_damage_given,
       coalesce(max(p.dpm) FILTER (WHERE NOT r.is_cumulative AND p.time_played_seconds >= %(dpm_seconds)s), 0)
           AS best_dpm,
       coalesce(max(p.headshot_kills) FILTER (WHERE NOT r.is_cumulative), 0) AS best_headshot_kills,
       coalesce(max(p.killing_spree_best) FILTER (WHERE NOT r.is_cumulative), 0) AS best_killing_spree,
       coalesce(max(p.revives_given) FILTER (WHERE NOT r.is_cumulative), 0) AS best_revives_given,
       coalesce(max(p.gibs) FILTER (WHERE NOT r.is_cumulative), 0) AS best_gibs,
       coalesce(max(p.most_useful_kills) FILTER (WHERE NOT r.is_cumulative), 0) AS best_most_useful_kills
FROM starts, rounds r JOIN person_stats p ON p.round_id = r.id
WHERE r.is_counted AND NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = p.player_guid)
GROUP BY 1, 2, 3
ORDER BY place, session_id, player_guid

-- name: career_gains
-- What each round added to each player's career, in time order: the sums that achievements are of, in their
-- order; then who, in which round and session.
SELECT {career_gains},
       p.player_guid, r.id, r.gaming_session_id
FROM rounds r JOIN person_stats p ON p.round_id = r.id
WHERE r.is_counted AND NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = p.player_guid)
ORDER BY r.ended_at, r.id, p.player_guid

-- name: maps_of_players
SELECT p.player_guid, r.map_name, {result_sums}
FROM rounds r JOIN person_stats p ON p.round_id = r.id
WHERE r.is_counted AND p.recorded_guid = ANY (guids_of(%(guids)s)) AND p.player_guid = ANY (%(guids)s)
GROUP BY p.player_guid, r.map_name
ORDER BY p.player_guid, count(*) < 4, dpm DESC NULLS LAST, r.map_name

-- name: sides_of_players
SELECT p.player_guid, p.team <> r.defender_team AS is_attack, {result_sums}
FROM rounds r JOIN person_stats p ON p.round_id = r.id
WHERE r.is_counted AND p.recorded_guid = ANY (guids_of(%(guids)s)) AND p.player_guid = ANY (%(guids)s)
  AND p.team IN (1, 2) AND NOT r.is_cumulative
GROUP BY 1, 2
ORDER BY 1, 2 DESC

-- name: weapons_of_players
SELECT w.player_guid, w.weapon_name, count(*) AS rounds, sum(w.kills) AS kills, sum(w.deaths) AS deaths,
       sum(w.hits) AS hits, sum(w.shots) AS shots, sum(w.headshots) AS headshots,
       CASE WHEN is_bullet_weapon(w.weapon_name)
            THEN 100 * sum(w.hits)::double precision / nullif(sum(w.shots), 0) END AS accuracy,
       CASE WHEN is_bullet_weapon(w.weapon_name)
            THEN 100 * sum(w.headshots)::double precision / nullif(sum(w.hits), 0) END AS headshot_share
-- From the players' rows, whose index finds the rounds of a player.
FROM person_stats p
JOIN rounds r ON r.id = p.round_id
JOIN person_weapon_stats w ON w.round_id = p.round_id AND w.recorded_guid = p.recorded_guid
WHERE r.is_counted AND p.recorded_guid = ANY (guids_of(%(guids)s)) AND p.player_guid = ANY (%(guids)s)
GROUP BY w.player_guid, w.weapon_name
ORDER BY w.player_guid, sum(w.kills) DESC, w.weapon_name

-- name: teammates_of_players
-- With whom and against whom each player played, and how many of those rounds the player won.
WITH sides AS MATERIALIZED (
    SELECT r.id, p.player_guid, p.team, r.winner_team
    FROM rounds r JOIN person_stats p ON p.round_id = r.id
    WHERE r.is_counted AND p.team IN (1, 2)
), met AS (
    SELECT own.player_guid AS of_guid, o.player_guid,
           count(*) FILTER (WHERE o.team = own.team) AS rounds_with,
           count(*) FILTER (WHERE o.team = own.team AND own.winner_team = own.team) AS won_with,
           count(*) FILTER (WHERE o.team = own.team AND own.winner_team = 3 - own.team) AS lost_with,
           count(*) FILTER (WHERE o.team <> own.team) AS rounds_against,
           count(*) FILTER (WHERE o.team <> own.team AND own.winner_team = own.team) AS won_against,
           count(*) FILTER (WHERE o.team <> own.team AND own.winner_team = 3 - own.team) AS lost_against
    FROM sides own JOIN sides o ON o.id = own.id AND o.player_guid <> own.player_guid
    WHERE own.player_guid = ANY (%(guids)s)
    GROUP BY own.player_guid, o.player_guid
)
SELECT met.*,
       won_with::double precision / nullif(won_with + lost_with, 0) AS win_share_with,
       won_against::double precision / nullif(won_against + lost_against, 0) AS win_share_against
FROM met
WHERE NOT EXISTS (SELECT FROM hidden_persons h WHERE h.player_guid = met.player_guid)
ORDER BY of_guid, rounds_with + rounds_against DESC, player_guid

-- name: rounds_of_players
-- The last rounds of each player, newest first.
SELECT * FROM (
    SELECT p.player_guid, r.id AS round_id, r.ended_at, r.map_name, r.round_number,
           p.team <> r.defender_team AS is_attack, CASE WHEN r.winner_team > 0 THEN r.winner_team = p.team END AS is_won,
           p.kills, p.deaths, p.damage_given, p.dpm, p.time_played_seconds,
           row_number() OVER (PARTITION BY p.player_guid ORDER BY r.ended_at DESC, r.id DESC) AS place
    FROM rounds r JOIN person_stats p ON p.round_id = r.id
    WHERE r.is_counted AND p.recorded_guid = ANY (guids_of(%(guids)s)) AND p.player_guid = ANY (%(guids)s)
      AND NOT r.is_cumulative AND p.team IN (1, 2) AND p.time_played_seconds > 0
) last
WHERE place <= %(limit)s
ORDER BY player_guid, place

-- name: records_of_players
-- The best single rounds of each player; of equal values the earliest. See round_records.
WITH scope AS MATERIALIZED (
    SELECT r.id, r.map_name, r.ended_at, r.is_cumulative,
           17179869183 - extract(epoch FROM r.ended_at)::bigint AS earliness
    FROM rounds r
    WHERE r.is_counted AND NOT r.is_cumulative
      AND (r.bots = 0 OR r.server_id = ANY (ARRAY(SELECT id FROM servers WHERE bot_records)))
), bests AS (
    SELECT p.player_guid, {record_sums}
    FROM scope s JOIN person_stats p ON p.round_id = s.id
    WHERE p.recorded_guid = ANY (guids_of(%(guids)s)) AND p.player_guid = ANY (%(guids)s)
    GROUP BY p.player_guid
)
SELECT DISTINCT ON (b.player_guid, v.place)
       b.player_guid, v.record,
       (v.code >> 34) / (CASE WHEN v.record IN ('dpm', 'accuracy') THEN 10 ELSE 1 END)::double precision AS value,
       r.map_name AS played_on, r.ended_at, r.id
FROM bests b
CROSS JOIN LATERAL (VALUES {record_places}) v (place, record, code)
JOIN scope r ON r.earliness = v.code & 17179869183
JOIN person_stats p ON p.round_id = r.id AND p.player_guid = b.player_guid
WHERE v.code >> 34 > 0
ORDER BY b.player_guid, v.place, r.id
