SELECT count(*) FROM rounds WHERE %(since)s::timestamptz IS NULL OR ended_at >= %(since)s
