"""The rules of the game. Pure: no I/O.

`pairing` finds the round 1 of a round 2, `sessions` groups rounds to sessions, `series` assigns players to teams
across sides and maps, `stopwatch` computes the result.
"""
