SELECT max(r.ended_at) FROM posts p JOIN rounds r ON r.file_id = p.subject WHERE p.state <> 'pending';
