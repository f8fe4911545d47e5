"""Import round files: parse, archive, reconcile and store rows, in transactions."""
