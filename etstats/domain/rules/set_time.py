"""Predict whether round 2's attackers beat the set time, from earlier attacks on the map."""

import math
from collections.abc import Sequence
from typing import NamedTuple

# The prior: this many attacks, with the share of second attackers who beat the set time on all maps.
PRIOR_ATTACKS, PRIOR_SHARE = 4, 0.57
# The slope of a match is that of two attacks against each other; one of them is already known.
ONE_ATTACK = math.sqrt(0.5)


class Attack(NamedTuple):
    """One earlier attack on the map: when it ended, in seconds, and whether it succeeded."""

    seconds: int
    is_completed: bool


class SetTimePrediction(NamedTuple):
    """The chance (0 to 1) to beat the set time, and the data behind it.

    `faster`: the share of `attacks` that was faster, with attacks stopped earlier as censored; None: no attacks.
    """

    chance: float
    attacks: int
    faster: float | None


def predict_set_time(attacks: Sequence[Attack], set_time_seconds: int, log_odds: float = 0.0) -> SetTimePrediction:
    """Predict whether the next attack is faster than the set time.

    `attacks` are earlier ones on the same map. `log_odds`: the advantage of the attackers by the ratings
    (`rating.advantage`), 0 if unknown.
    """
    faster = share_faster(attacks, set_time_seconds)
    share = PRIOR_SHARE if faster is None else faster
    shrunk = (PRIOR_SHARE * PRIOR_ATTACKS + share * len(attacks)) / (PRIOR_ATTACKS + len(attacks))
    odds = math.log(shrunk / (1 - shrunk)) + ONE_ATTACK * log_odds
    return SetTimePrediction(1 / (1 + math.exp(-odds)), len(attacks), faster)


def share_faster(attacks: Sequence[Attack], set_time_seconds: int) -> float | None:
    """Return the share of attacks that take less than the set time (Kaplan-Meier); None without attacks.

    An attack stopped before the set time by its own limit is censored: it counts as running until it stopped, and
    not afterwards.
    """
    if not attacks:
        return None
    remaining, running = 1.0, len(attacks)
    # Of attacks that end in the same second, the completed ones come first.
    for attack in sorted(attacks, key=lambda attack: (attack.seconds, not attack.is_completed)):
        if attack.seconds >= set_time_seconds:
            break
        if attack.is_completed:
            remaining *= 1 - 1 / running
        running -= 1
    return 1 - remaining
