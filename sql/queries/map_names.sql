SELECT map_name FROM rounds GROUP BY map_name ORDER BY count(*) DESC, map_name
