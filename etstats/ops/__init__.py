"""Running it for years: cron, backups, health, what is known of the servers between runs."""
