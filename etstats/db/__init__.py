"""Access to the database: the only package that contains SQL. It formats no output."""
