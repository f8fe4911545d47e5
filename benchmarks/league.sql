-- A league of :rounds rounds between :start and :stop: sessions of 12 rounds on 3 servers, 8 players a round. Who plays
-- follows a power law, so that most of the :people people play little.
SET LOCAL session_replication_role = replica;
SET LOCAL synchronous_commit = off;
SELECT setseed(0.42);

INSERT INTO servers (name) VALUES ('north'), ('south'), ('west');

INSERT INTO processed_files (server_id, filename, file_hash, size_bytes, content, source_hash, source_size, success)
SELECT 1 + (n / 12) % 3, to_char(n, 'FM0000000') || '-round-1.txt', h, 8, 'contents', h, 8, true
FROM generate_series(1, :rounds) n, LATERAL (SELECT encode(sha256(n::text::bytea), 'hex') AS h) x;

INSERT INTO sessions (server_id) SELECT 1 + n % 3 FROM generate_series(0, :rounds / 12) n;

INSERT INTO rounds (server_id, file_id, match_id, round_number, round_date, round_time, ended_at, map_name, config,
    defender_team, winner_team, time_limit_seconds, actual_time_seconds, played_seconds, duration_seconds, round_outcome,
    is_cumulative, gaming_session_id, bots)
SELECT 1 + (n / 12) % 3, n, (n / 2)::text, 1 + n % 2, m::date, m::time(0), m, 'map' || (n / 2) * 7919 % 1009 % 20,
       'legacy6', 1 + n % 2, 2 - n % 2, 720, 400 + n % 300, 400 + n % 300, 400 + n % 300, 'completed', false, 1 + n / 12,
       CASE WHEN n % 97 = 0 THEN 2 ELSE 0 END
FROM generate_series(1, :rounds) n,
LATERAL (SELECT date_trunc('second', timestamptz :start + (timestamptz :stop - timestamptz :start) * ((n / 12 * 12)::float8 / :rounds))
                + n % 12 * interval '13 minutes' AS m) x;
UPDATE rounds SET winner_team = 3 - winner_team, defender_team = 3 - defender_team WHERE id % 3 = 0;

-- Ten people come to a session; eight of them play in a round. Twenty regulars share the top.
CREATE TEMP TABLE crowd ON COMMIT DROP AS
SELECT s AS session_id, seat, lpad(upper(to_hex(CASE WHEN person > 20 THEN person ELSE 1 + (seat + s) % 20 END)), 8, '0')
           AS player_guid
FROM generate_series(1, 1 + :rounds / 12) s, generate_series(0, 9) seat,
     LATERAL (SELECT 1 + floor(:people * random() ^ 3 + s * 0 + seat * 0)::integer AS person) p;

INSERT INTO player_comprehensive_stats (round_id, player_guid, player_name, clean_name, team, was_reset, kills, deaths,
    headshots, hits, shots, bullets_fired, damage_given, damage_received, team_damage_given, team_damage_received, gibs,
    self_kills, team_kills, team_gibs, time_played_seconds, time_played_percent, xp, killing_spree_best,
    death_spree_worst, kill_assists, kill_steals, headshot_kills, objectives_stolen, objectives_returned,
    dynamites_planted, dynamites_defused, times_revived, tank_meatshield, time_dead_minutes, most_useful_kills,
    denied_playtime, double_kills, triple_kills, quad_kills, multi_kills, mega_kills, useless_kills, full_selfkills,
    constructions, revives_given)
SELECT DISTINCT ON (r.id, c.player_guid)
       r.id, c.player_guid, '^1' || c.player_guid, c.player_guid, 1 + (c.seat + r.id) % 2, false, x.k, x.d, x.k / 2,
       x.k * 6, x.k * 20 + 40, x.k * 20 + 60, x.k * 130 + 200, x.d * 140, x.d % 9, x.d % 7, x.k / 3, x.d % 2,
       (x.k + x.d) % 2, 0, 300 + (x.k * 13 + x.d * 7) % 400, 95, x.k * 3, x.k / 2, x.d / 2, x.k / 4, x.d % 3, x.k / 3,
       (x.k % 11 = 0)::integer, (x.d % 13 = 0)::integer, (x.k % 5 = 0)::integer, (x.d % 7 = 0)::integer, x.d / 3, 0,
       1 + x.d * 0.1, x.k / 3, x.k * 4, x.k / 9, x.k / 15, x.k / 20, (x.k > 25)::integer, (x.k > 28)::integer, x.d / 5,
       x.d % 2, (x.d % 6 = 0)::integer, x.k % 4
FROM rounds r
JOIN crowd c ON c.session_id = r.gaming_session_id AND c.seat NOT IN (r.id % 10, (r.id + 5) % 10),
LATERAL (SELECT floor(30 * random() ^ 2 + r.id * 0 + c.seat * 0)::integer AS k,
                floor(20 * random() + r.id * 0 + c.seat * 0)::integer AS d) x
ORDER BY r.id, c.player_guid;

INSERT INTO weapon_comprehensive_stats (round_id, player_guid, weapon_name, kills, deaths, headshots, hits, shots)
SELECT p.round_id, p.player_guid, w.name, p.kills / w.share, p.deaths / w.share, p.headshots / w.share / 2,
       p.hits / w.share, 1 + p.shots / w.share
FROM player_comprehensive_stats p,
     (VALUES ('MP40', 2, 0), ('THOMPSON', 3, 1), ('GRENADE', 5, 0), ('LUGER', 7, 1), ('PANZERFAUST', 6, 0)) w (name, share, odd)
WHERE w.odd = 0 OR p.kills % 2 = 1;

INSERT INTO player_aliases (guid, alias, times_seen, first_seen, last_seen)
SELECT p.player_guid, p.clean_name, count(*), min(r.ended_at), max(r.ended_at)
FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
GROUP BY p.player_guid, p.clean_name;
