"""Queries: what the read commands and the posts show, computed from the database and the rules."""
