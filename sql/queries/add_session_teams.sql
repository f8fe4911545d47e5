INSERT INTO session_teams (session_id, player_guid, team)
SELECT * FROM unnest(%(session_ids)s::bigint[], %(guids)s::text[], %(teams)s::smallint[])
