"""The pipeline: fetch, import, publish."""
