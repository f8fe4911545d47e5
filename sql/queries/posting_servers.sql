SELECT id, name FROM servers ORDER BY id
