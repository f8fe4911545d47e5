SELECT id, content, rejected_content
FROM processed_files
WHERE position(%(needle)s::bytea IN content) > 0 OR position(%(needle)s::bytea IN rejected_content) > 0
ORDER BY id
