"""What an admin runs: set-up, audits, health, backup, export, cron, metrics."""
