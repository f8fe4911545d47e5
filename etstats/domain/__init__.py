"""The types that flow through the program, and the rules of the game. Pure: no I/O."""
