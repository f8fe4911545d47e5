SELECT what, count, first_seen, last_seen FROM file_counts
WHERE server_id = %(server_id)s
ORDER BY what, first_seen
