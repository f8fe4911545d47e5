-- The last files of each server that came by themselves, not from an old archive: when the source wrote them, when
-- they were here, and the moment that the stamp in their name stands for.
SELECT s.name AS server, to_timestamp(f.source_mtime) AS written_at, f.processed_at, r.ended_at
FROM servers s
CROSS JOIN LATERAL (
    SELECT id, source_mtime, processed_at FROM processed_files
    WHERE server_id = s.id AND success AND source_mtime IS NOT NULL
      AND processed_at - to_timestamp(source_mtime) < interval '1 day'
    ORDER BY id DESC LIMIT 20
) f
JOIN rounds r ON r.file_id = f.id;
