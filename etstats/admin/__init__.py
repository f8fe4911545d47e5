"""Administration: setup, audits, health, backup, export, cron, metrics."""
