"""Setup: ask the admin, test each answer, write the settings."""
