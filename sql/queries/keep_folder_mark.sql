INSERT INTO folder_marks (server_id, place, folder_mtime, first_seen, listed, recent)
VALUES (%(server_id)s, %(place)s, %(folder_mtime)s, %(first_seen)s, %(listed)s, %(recent)s)
ON CONFLICT (server_id) DO UPDATE
SET place = excluded.place, folder_mtime = excluded.folder_mtime, first_seen = excluded.first_seen,
    listed = excluded.listed, recent = excluded.recent
