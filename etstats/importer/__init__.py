"""From the bytes of round files to rows: groups, transactions, reconciliation."""
