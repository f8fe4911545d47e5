-- Rounds with their files, in time order: of these ids.
SELECT r.id, s.name AS server, r.server_id, r.gaming_session_id AS session_id, r.match_id, r.map_name,
       r.round_number, f.filename, r.config, r.round_date + r.round_time AS stamp, r.ended_at, r.defender_team,
       r.winner_team, r.time_limit_seconds, r.actual_time_seconds, r.played_seconds, r.round_outcome AS outcome,
       r.is_cumulative
FROM rounds r
JOIN servers s ON s.id = r.server_id
JOIN processed_files f ON f.id = r.file_id
WHERE r.id = ANY (%(round_ids)s)
ORDER BY r.ended_at, f.filename
