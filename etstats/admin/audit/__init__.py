"""Is it true? Deriving again, comparing with the archive, checking, explaining, and where every file is."""
