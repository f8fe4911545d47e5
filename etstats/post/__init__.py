"""Facts into Discord messages and pictures, and their delivery; no SQL, no settings."""
