"""Data types and the rules of the game. Pure: no I/O."""
