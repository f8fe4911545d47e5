-- Stands before a check that is bounded in time, and in the place of its tables: the rows of the evenings that went
-- on since then, whole, because some checks look at an evening as one. What is older goes in locate_findings.
recent AS MATERIALIZED (
    SELECT id, gaming_session_id FROM rounds
    WHERE gaming_session_id IN (SELECT gaming_session_id FROM rounds WHERE ended_at >= %(since)s)
), session_teams AS NOT MATERIALIZED (
    SELECT t.* FROM session_teams t WHERE t.session_id IN (SELECT gaming_session_id FROM recent)
), player_comprehensive_stats AS NOT MATERIALIZED (
    SELECT p.* FROM recent JOIN player_comprehensive_stats p ON p.round_id = recent.id
), weapon_comprehensive_stats AS NOT MATERIALIZED (
    SELECT w.* FROM recent JOIN weapon_comprehensive_stats w ON w.round_id = recent.id
),
