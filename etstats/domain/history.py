"""The earlier results that a post compares with; fixed when the post is first sent."""

from collections.abc import Mapping
from typing import Any, NamedTuple

_MOST = 1e9  # no number of a history is larger


class UsualPlay(NamedTuple):
    """A player's kills and damage per minute before the post, over `rounds` rounds."""

    rounds: int
    kills_per_minute: float
    dpm: float


class PersonalBest(NamedTuple):
    """A personal best of a round that was beaten: ("31 kills", "28")."""

    guid: str
    value: str
    before: str


class AttackRank(NamedTuple):
    """The rank of an attack among all attacks on its map so far, including itself.

    `rank` 1 is the fastest, None if not completed. `faster_percent`: the share of other attacks that were faster.
    `chance_percent`: the chance of round 2's attackers to beat the time set in this round 1, by earlier attacks
    and ratings.
    """

    attacks: int
    rank: int | None
    faster_percent: float | None
    chance_percent: float | None = None


class TeamRatingChange(NamedTuple):
    """The rating change of a team by a match.

    `points`: the average over its players. `chance_percent`: its win chance by the ratings before; None without a
    result.
    """

    points: float
    chance_percent: float | None


class ReachedStep(NamedTuple):
    """An achievement step that a player just reached; `mention`: the player's account, if mentions are on."""

    guid: str
    text: str
    mention: str | None


class History(NamedTuple):
    """The earlier results that a post compares with.

    `usual` and `badges` are by guid, `attacks` by round number. `rating_changes` are those of team 1 and 2.
    """

    usual: Mapping[str, UsualPlay] = {}
    bests: tuple[PersonalBest, ...] = ()
    attacks: Mapping[int, AttackRank] = {}
    badges: Mapping[str, str] = {}
    rating_changes: tuple[TeamRatingChange, TeamRatingChange] | None = None
    milestones: tuple[ReachedStep, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the history as JSON."""
        return {
            "usual": {guid: list(usual) for guid, usual in self.usual.items()},
            "bests": [list(best) for best in self.bests],
            "attacks": {str(number): list(rank) for number, rank in self.attacks.items()},
            "badges": dict(self.badges),
            "rating_changes": self.rating_changes and [list(change) for change in self.rating_changes],
            "milestones": [list(step) for step in self.milestones],
        }

    @staticmethod
    def of_document(document: Mapping[str, Any] | None) -> "History":
        """Return a history from its JSON; None: an empty history. ValueError: `document` did not write it."""
        if document is None:
            return NO_HISTORY
        try:
            changes = document["rating_changes"]
            return History(
                usual={_text(guid): UsualPlay(*map(_number, usual)) for guid, usual in document["usual"].items()},
                bests=tuple(PersonalBest(*map(_text, best)) for best in document["bests"]),
                attacks={
                    int(number): AttackRank(*map(_number_or_none, rank))
                    for number, rank in document["attacks"].items()
                },
                badges={guid: _text(badges) for guid, badges in document["badges"].items()},
                rating_changes=changes and (_rating_change(changes[0]), _rating_change(changes[1])),
                milestones=tuple(
                    ReachedStep(_text(guid), _text(text), mention and _text(mention))
                    for guid, text, mention in document["milestones"]
                ),
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError("not the document of a history") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> Any:
    if not isinstance(value, int | float) or not abs(value) < _MOST:
        raise TypeError
    return value


def _number_or_none(value: Any) -> Any:
    return None if value is None else _number(value)


def _rating_change(values: Any) -> TeamRatingChange:
    points, chance_percent = values
    return TeamRatingChange(_number(points), _number_or_none(chance_percent))


NO_HISTORY = History()
