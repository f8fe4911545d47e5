"""Column definitions of the tables that the commands print."""
