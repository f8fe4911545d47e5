-- Posting begins now for every pair of server and kind that was not posted before, and ends for those not named.
WITH wanted AS (
    SELECT * FROM unnest(%(server_ids)s::integer[], %(kinds)s::text[]) AS w (server_id, kind)
), ended AS (
    DELETE FROM post_watermarks w
    WHERE NOT EXISTS (SELECT FROM wanted n WHERE (n.server_id, n.kind) = (w.server_id, w.kind))
)
INSERT INTO post_watermarks (server_id, kind, since)
SELECT server_id, kind, %(now)s FROM wanted
ON CONFLICT DO NOTHING
