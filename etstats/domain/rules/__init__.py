"""The rules of the game, pure: from single rounds to matches and sessions.

`pairing` finds the round 1 of a round 2, `sessions` groups a session, `lineups` follows the two line-ups
across sides and maps, `stopwatch` says who won.
"""
