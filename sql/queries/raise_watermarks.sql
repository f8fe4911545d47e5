UPDATE post_watermarks SET since = greatest(since, %(since)s);
