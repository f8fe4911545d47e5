SELECT min(ended_at), max(ended_at) FROM rounds
