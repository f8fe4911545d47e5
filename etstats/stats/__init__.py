"""Queries for commands, posts and pages, computed from the database with the rules."""
