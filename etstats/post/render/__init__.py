"""Render the views of rounds, matches and sessions as messages and pictures. Pure."""
