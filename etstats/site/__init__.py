"""The static site: pages generated from the database into one folder."""
