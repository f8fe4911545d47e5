-- Archived bytes by name, in steps; a good file's good version. The moment of a file without mtime is its round's.
SELECT f.filename, f.content, coalesce(f.source_mtime, extract(epoch FROM r.ended_at)::bigint, 0) AS mtime
FROM processed_files f LEFT JOIN rounds r ON r.file_id = f.id
WHERE f.server_id = %(server_id)s AND f.filename = ANY(%(filenames)s::text[])
ORDER BY f.filename
