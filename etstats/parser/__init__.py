"""From a file's name and bytes to what they say: no files, no clock, no database."""
