"""Fetch, import and publish."""
