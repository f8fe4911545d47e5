"""Irregularities of a session, with their probabilities."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """Probabilities from 0.0 (the default: never) to 1.0 (always); each says of what.

    `resets`, `spectators`, `late_joiners`, `leavers`: of a match, that it happens to one of its players between
    the rounds (a late joiner may also come in the middle of round 1). `substitutes`: of a leaver, that somebody
    takes the place. `renames`: of a player in a match. `shared_names`: of a session, that one player
    bears another one's name. `surrenders`: of a round. `lost_files`, `crlf`, `unknown_times` (`0:00` as round
    2's actual time): of a file. `ninth_field`: of a session, that headers carry the duration;
    `ninth_in_seconds`: of such a session, that it does so in seconds with a fraction. `knife_drops`: of a
    player with knife shots in round 1. `midnight`: of a session, that its first match spans midnight.
    `impossible_numbers`: of a player's round, that time dead or denied playtime is beyond belief. `bots`: of a
    match, that bots fill the teams, fewer than there are players.
    """

    resets: float = 0.0
    spectators: float = 0.0
    late_joiners: float = 0.0
    leavers: float = 0.0
    substitutes: float = 0.0
    renames: float = 0.0
    shared_names: float = 0.0
    surrenders: float = 0.0
    lost_files: float = 0.0
    crlf: float = 0.0
    unknown_times: float = 0.0
    ninth_field: float = 0.0
    ninth_in_seconds: float = 0.0
    knife_drops: float = 0.0
    midnight: float = 0.0
    impossible_numbers: float = 0.0
    bots: float = 0.0


EVERYDAY = Quirks(
    resets=0.01,
    spectators=0.02,
    late_joiners=0.1,
    leavers=0.06,
    substitutes=0.8,
    renames=0.02,
    shared_names=0.02,
    surrenders=0.1,
    knife_drops=0.2,
    midnight=0.05,
    impossible_numbers=0.004,
)
"""About what real servers show: nothing lost, a surrender or a substitute in a session."""
