SELECT CASE WHEN success THEN rejected_content ELSE content END AS content,
       CASE WHEN success THEN rejected_mtime ELSE source_mtime END AS source_mtime
FROM processed_files WHERE id = %(id)s
