DELETE FROM folder_marks WHERE server_id = %(server_id)s
