-- Messages follow when a player is hidden, shown again, or forgotten.

CREATE FUNCTION sessions_of_player_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changed_sessions AS c (session_id)
    SELECT DISTINCT r.gaming_session_id
    FROM (SELECT DISTINCT player_guid FROM changed_rows) n
    JOIN player_comprehensive_stats p ON p.player_guid = n.player_guid
    JOIN rounds r ON r.id = p.round_id
    ORDER BY r.gaming_session_id
    ON CONFLICT (session_id) DO UPDATE SET changes = c.changes + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER player_hidden AFTER INSERT ON hidden_players
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_of_player_changed();
CREATE TRIGGER player_shown AFTER DELETE ON hidden_players
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_of_player_changed();
-- Players' rows are replaced when a round is written, and updated only when a player is forgotten.
CREATE TRIGGER player_forgotten AFTER UPDATE ON player_comprehensive_stats
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_of_player_changed();
