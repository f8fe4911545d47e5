"""Parse file names and file contents. Pure: no I/O, no clock."""
