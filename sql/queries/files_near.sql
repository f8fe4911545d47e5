-- The round files whose names sort nearest to a name: two before, two after, of each server.
SELECT near.filename
FROM servers AS s
CROSS JOIN LATERAL (
    (SELECT filename FROM processed_files
     WHERE server_id = s.id AND success AND filename < %(filename)s ORDER BY filename DESC LIMIT 2)
    UNION
    (SELECT filename FROM processed_files
     WHERE server_id = s.id AND success AND filename > %(filename)s ORDER BY filename LIMIT 2)
) AS near
GROUP BY near.filename
ORDER BY near.filename
