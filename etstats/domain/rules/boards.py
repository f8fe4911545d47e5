"""The leaderboards and their formulas.

A ratio over several rounds is computed from sums, never as a mean of ratios.
"""

from enum import Enum
from typing import Literal, NamedTuple

from etstats.domain.stats import PlayerSums


class BoardKind(Enum):
    """The kind of a board's value; it decides the minimum of rounds and shots."""

    SUM = (10, 0)
    RATIO = (50, 0)
    ACCURACY = (50, 1000)


class Board(NamedTuple):
    """A leaderboard: `of` and `per` name sums of `PlayerSums`, which are added up.

    `per` empty: the value is the sum. If the denominator is 0, the player is not ranked, or the value is the sum
    (`or_sum`). `unit` is the unit of the value; `of_heading` and `per_heading` are headings of the sums.
    """

    name: str
    heading: str
    meaning: str
    of: tuple[str, ...]
    of_heading: str = ""
    per: tuple[str, ...] = ()
    per_heading: str = ""
    factor: int = 1
    unit: Literal["", "%", "HP", "HP/min", "kills", "time"] = ""
    kind: BoardKind = BoardKind.SUM
    lowest_first: bool = False
    or_sum: bool = False
    by_weapon: bool = False


# fmt: off
_BOARDS = (
    Board(
        name="kd", heading="K/D", meaning="kills per death",
        of=("kills",), of_heading="Kills", per=("deaths",), per_heading="Deaths",
        kind=BoardKind.RATIO, or_sum=True, by_weapon=True,
    ),
    Board(
        name="dpm", heading="DPM", meaning="damage given a minute played",
        of=("damage_given",), of_heading="Damage", per=("time_played_seconds",), per_heading="Played",
        kind=BoardKind.RATIO, factor=60, unit="HP/min",
    ),
    Board(
        name="accuracy", heading="Accuracy", meaning="hits to shots with bullet weapons",
        of=("hits",), of_heading="Hits", per=("shots",), per_heading="Shots",
        kind=BoardKind.ACCURACY, factor=100, unit="%", by_weapon=True,
    ),
    Board(
        name="headshots", heading="HS", meaning="headshots to hits with bullet weapons",
        of=("bullet_headshots",), of_heading="Headshots", per=("hits",), per_heading="Hits",
        kind=BoardKind.RATIO, factor=100, unit="%", by_weapon=True,
    ),
    Board(
        name="headshot-kills", heading="HSK", meaning="kills by headshot to kills",
        of=("headshot_kills",), of_heading="HS kills", per=("kills_of_single_rounds",), per_heading="Kills",
        kind=BoardKind.RATIO, factor=100, unit="%",
    ),
    Board(
        name="efficiency", heading="Efficiency", meaning="kills to kills and deaths",
        of=("kills",), of_heading="Kills", per=("kills", "deaths"), per_heading="Both",
        kind=BoardKind.RATIO, factor=100, unit="%", by_weapon=True,
    ),
    Board(
        name="wins", heading="Won", meaning="rounds won to rounds won or lost",
        of=("won",), of_heading="Rounds won", per=("won", "lost"), per_heading="Both",
        kind=BoardKind.RATIO, factor=100, unit="%",
    ),
    Board(
        name="kills", heading="Kills", meaning="the most kills",
        of=("kills",),
        by_weapon=True,
    ),
    Board(
        name="deaths", heading="Deaths", meaning="the most deaths",
        of=("deaths",),
        by_weapon=True,
    ),
    Board(
        name="damage", heading="Damage", meaning="damage given",
        of=("damage_given",),
        unit="HP",
    ),
    Board(
        name="damage-ratio", heading="Damage ratio", meaning="damage given to damage received",
        of=("damage_given",), of_heading="Given", per=("damage_received",), per_heading="Received",
        kind=BoardKind.RATIO, or_sum=True,
    ),
    Board(
        name="revives", heading="Revives", meaning="team mates revived (files since 2025-10)",
        of=("revives_given",),
    ),
    Board(
        name="gibs", heading="Gibs", meaning="bodies gibbed",
        of=("gibs",),
    ),
    Board(
        name="assists", heading="Assists", meaning="kill assists",
        of=("kill_assists",),
    ),
    Board(
        name="objectives", heading="Objectives", meaning="stolen, returned, planted and defused",
        of=("objectives",),
    ),
    Board(
        name="multikills", heading="Multikills", meaning="times of two to six kills in a row",
        of=("multikills",),
    ),
    Board(
        name="useful", heading="Useful", meaning="useful kills to useful and useless ones",
        of=("useful_kills",), of_heading="Useful", per=("useful_kills", "useless_kills"), per_heading="Both",
        kind=BoardKind.RATIO, factor=100, unit="%",
    ),
    Board(
        name="denied", heading="Denied", meaning="playtime taken from opponents",
        of=("denied_playtime",),
        unit="time",
    ),
    Board(
        name="teamwork", heading="Team damage", meaning="team damage to damage given, least first",
        of=("team_damage_given",), of_heading="To team", per=("damage_given",), per_heading="Given",
        kind=BoardKind.RATIO, factor=100, unit="%", lowest_first=True,
    ),
    Board(
        name="survival", heading="Alive", meaning="time alive to time played",
        of=("alive_seconds",), of_heading="Alive for", per=("clocked_seconds",), per_heading="Played",
        kind=BoardKind.RATIO, factor=100, unit="%",
    ),
    Board(
        name="frag-potential", heading="Potential", meaning="damage given a minute alive",
        of=("clocked_damage",), of_heading="Damage", per=("alive_seconds",), per_heading="Alive for",
        kind=BoardKind.RATIO, factor=60, unit="HP/min",
    ),
    Board(
        name="spree", heading="Best spree", meaning="most kills in one life",
        of=("killing_spree_best",),
        unit="kills",
    ),
    Board(
        name="games", heading="Rounds", meaning="rounds played",
        of=("rounds",),
        by_weapon=True,
    ),
    Board(
        name="time", heading="Played", meaning="time played",
        of=("time_played_seconds",),
        unit="time",
    ),
    Board(
        name="xp", heading="XP", meaning="experience points",
        of=("xp",),
    ),
)
# fmt: on


BOARDS = {board.name: board for board in _BOARDS}
"""The boards of sums by name, in display order."""

RATING_BOARD = "rating"
"""The board of ratings, which is not a sum."""

MVP_BOARD = "mvp"
"""The board of MVPs of maps and sessions, which is not a sum."""

BOARD_NAMES = (*BOARDS, RATING_BOARD, MVP_BOARD)
"""The names of all boards, in display order."""


def value_of(board: Board, sums: PlayerSums) -> float | None:
    """Return a player's value on a board; None if it is unknown or the denominator is 0."""
    of, per = board.of, board.per
    # Without a call for a single sum: a profile ranks thousands of players on all boards.
    total: int | None = getattr(sums, of[0]) if len(of) == 1 else total_of(sums, of)
    if total is None or not per:
        return total
    below = getattr(sums, per[0]) if len(per) == 1 else total_of(sums, per)
    if below:
        return board.factor * total / below
    return total if board.or_sum and below is not None else None


def total_of(sums: PlayerSums, names: tuple[str, ...]) -> int | None:
    """Return the total of the named sums; None if one of them is unknown."""
    if len(names) == 1:
        value: int | None = getattr(sums, names[0])
        return value
    values: list[int | None] = [getattr(sums, name) for name in names]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
