"""Round statistics of ET:Legacy servers: fetched over SFTP, kept in PostgreSQL, shown on Discord."""

__version__ = "0.1.0"
