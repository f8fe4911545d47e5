"""The achievements: thresholds of career sums."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from etstats.domain.stats import Career


@dataclass(frozen=True, slots=True, kw_only=True)
class Achievement:
    """Thresholds of one sum; `key` is the attribute of `Career`, `unit` what is counted."""

    key: str
    title: str
    unit: str
    thresholds: tuple[int, ...]

    def step(self, value: int) -> int:
        """Return the number of thresholds that a value reaches."""
        return bisect_right(self.thresholds, value)


class Passed(NamedTuple):
    """A threshold that a player reached with a gain."""

    player_guid: str
    achievement: Achievement
    threshold: int


ACHIEVEMENTS = (
    Achievement(key="rounds", title="Veteran", unit="rounds", thresholds=(10, 50, 100, 250, 500, 1000, 2500)),
    Achievement(
        key="kills", title="Soldier", unit="kills", thresholds=(100, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000)
    ),
    Achievement(
        key="headshot_kills",
        title="Marksman",
        unit="headshot kills",
        thresholds=(50, 100, 250, 500, 1000, 2500, 5000),
    ),
    Achievement(
        key="damage_given",
        title="Demolisher",
        unit="HP of damage",
        thresholds=(50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000),
    ),
    Achievement(key="gibs", title="Undertaker", unit="gibs", thresholds=(50, 100, 250, 500, 1000, 2500)),
    Achievement(
        key="revives_given", title="Field medic", unit="revives given", thresholds=(50, 100, 250, 500, 1000, 2500)
    ),
    Achievement(
        key="kill_assists", title="Wingman", unit="assists", thresholds=(50, 100, 250, 500, 1000, 2500, 5000)
    ),
    Achievement(
        key="dynamites_planted", title="Sapper", unit="dynamites planted", thresholds=(10, 25, 50, 100, 250, 500)
    ),
    Achievement(
        key="dynamites_defused", title="Bomb squad", unit="dynamites defused", thresholds=(5, 10, 25, 50, 100, 250)
    ),
    Achievement(
        key="objectives",
        title="Courier",
        unit="objectives stolen and returned",
        thresholds=(5, 10, 25, 50, 100, 250),
    ),
    Achievement(
        key="constructions",
        title="Builder",
        unit="repairs and constructions",
        thresholds=(10, 25, 50, 100, 250, 500),
    ),
    Achievement(
        key="most_useful_kills", title="Clutch", unit="most useful kills", thresholds=(25, 50, 100, 250, 500, 1000)
    ),
    Achievement(
        key="multikills", title="Wrecking ball", unit="multikills of 5 and 6", thresholds=(1, 5, 10, 25, 50, 100)
    ),
)


def passed(before: Career | None, gained: Career) -> Iterator[Passed]:
    """Return the thresholds that a player reached with a gain; only the highest of each achievement."""
    for achievement in ACHIEVEMENTS:
        was = getattr(before, achievement.key) if before else 0
        now = was + getattr(gained, achievement.key)
        if achievement.step(now) > achievement.step(was):
            threshold = achievement.thresholds[achievement.step(now) - 1]
            yield Passed(player_guid=gained.player_guid, achievement=achievement, threshold=threshold)
