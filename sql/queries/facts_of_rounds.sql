SELECT r.id, f.filename, r.config, r.defender_team, r.winner_team, r.played_seconds, r.round_outcome, r.is_cumulative
FROM rounds r JOIN processed_files f ON f.id = r.file_id
WHERE r.file_id = ANY(%(file_ids)s)
