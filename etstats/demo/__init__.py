"""The demo: generated round files, and stand-ins for SFTP, Discord and the game on loopback."""
