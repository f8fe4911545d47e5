"""A server that does not exist: invented round files, SFTP and Discord on loopback."""
