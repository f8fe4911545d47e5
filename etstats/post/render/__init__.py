"""From the facts of a round, match or session to a message and its pictures. Pure."""
