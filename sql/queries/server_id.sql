SELECT id FROM servers WHERE name = %(name)s
