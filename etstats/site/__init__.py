"""The static site: pages made from the database, written as files into one folder."""
