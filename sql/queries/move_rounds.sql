-- Rounds whose numbers stay but whose match or session changed.
UPDATE rounds r SET match_id = n.match_id, gaming_session_id = n.session_id
FROM unnest(%(round_ids)s::bigint[], %(match_ids)s::text[], %(session_ids)s::bigint[])
     AS n (round_id, match_id, session_id)
WHERE r.id = n.round_id
