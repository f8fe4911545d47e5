SELECT s.name AS server, l.looked_at, l.new_file_at, l.missed, l.missed_since, l.asked_at, l.people, l.people_since
FROM servers s JOIN server_looks l ON l.server_id = s.id
ORDER BY s.name;
