SELECT folder_mtime, first_seen, listed, recent FROM folder_marks
WHERE server_id = %(server_id)s AND place = %(place)s
