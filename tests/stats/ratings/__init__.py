"""Ratings in the database, and the commands that show them."""
