-- One player's last rounds in scope, the newest first. A round that is two together would say too much.
SELECT r.id AS round_id, r.ended_at, r.map_name, r.round_number, p.team <> r.defender_team AS is_attack,
       CASE WHEN r.winner_team > 0 THEN r.winner_team = p.team END AS is_won,
       p.kills, p.deaths, p.damage_given, p.dpm, p.time_played_seconds
FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r
JOIN player_comprehensive_stats p ON p.round_id = r.id
WHERE p.player_guid = %(guid)s AND NOT r.is_cumulative AND p.team IN (1, 2) AND p.time_played_seconds > 0
ORDER BY r.ended_at DESC, r.id DESC
LIMIT %(limit)s
