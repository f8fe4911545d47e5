-- The newest good file's name; one from a clock that runs ahead is not believed.
SELECT max(filename) FROM processed_files
WHERE server_id = %(server_id)s AND success AND filename < %(before)s
