"""Round files over SFTP; the only user of paramiko."""
