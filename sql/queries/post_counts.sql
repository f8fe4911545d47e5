SELECT state, count(*)::integer FROM posts GROUP BY state
