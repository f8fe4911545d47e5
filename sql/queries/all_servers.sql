SELECT id, name FROM servers ORDER BY name COLLATE "C"
