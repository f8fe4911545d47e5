"""Audits: rebuild, comparison with the archive, checks, explanations, and the location of each file."""
