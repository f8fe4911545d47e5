SELECT t.session_id, t.player_guid, t.team
FROM session_teams t
WHERE t.session_id IN (SELECT r.gaming_session_id FROM rounds r WHERE r.file_id = ANY(%(file_ids)s))
