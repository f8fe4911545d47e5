"""The series of a session: consecutive matches between the same two teams on any sides.

A series ends when, in either team, fewer than half of the previous match's players play on. Sides swap between the
rounds of a map, and may swap again between maps: the sides of each match are assigned to the teams in the way that
moves the fewest players. A player who changed teams belongs to the one of most of the player's rounds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from etstats.domain.rounds import ALLIES, AXIS, BotRounds, Round
from etstats.domain.rules import stopwatch
from etstats.domain.rules.team_names import UNNAMED, Member, team_names


class SeriesPlayer(NamedTuple):
    """A player of a round: side (1 Axis, 2 Allies, 3 neither) and name without colours."""

    side: int
    name: str


class SeriesRound(NamedTuple):
    """The values of a round that series depend on; `players` are by main GUID."""

    key: int
    filename: str
    match_id: str
    round_number: int
    defender_team: int
    winner_team: int
    players: Mapping[str, SeriesPlayer]
    time_limit_seconds: int = 0


class NamingRules(NamedTuple):
    """Corrections, hidden players and settings of the server that affect series.

    `identities`: GUID -> main GUID; `display_names` by GUID. `team_names`: by the file name of a series' first
    round and the team's number. `hidden` players name no team. `voided`: the file names of excluded rounds,
    besides those on the excluded maps. `stopwatch` False: each round is a match.
    """

    identities: Mapping[str, str] = {}
    display_names: Mapping[str, str] = {}
    hidden: frozenset[str] = frozenset()
    team_names: Mapping[tuple[str, int], str] = {}
    voided: frozenset[str] = frozenset()
    excluded_maps: frozenset[str] = frozenset()
    bot_rounds: BotRounds = BotRounds.HUMANS
    stopwatch: bool = True

    def corrected(self, derived: Round) -> Round:
        """Return a derived round with the flags that exclude it."""
        is_voided = derived.name.filename in self.voided or derived.name.map_name in self.excluded_maps
        has_enough_humans = derived.counted_by(self.bot_rounds)
        if (is_voided, has_enough_humans) == (derived.is_voided, derived.has_enough_humans):
            return derived
        return replace(derived, is_voided=is_voided, has_enough_humans=has_enough_humans)


NO_RULES = NamingRules()


class Series(NamedTuple):
    """One series: the team that is Axis in each round (by key), each person's team, and the points of both teams.

    `score` is None while no match has a result.
    """

    number: int
    axis_team: Mapping[int, int]
    team: Mapping[str, int]
    names: tuple[str, str]
    score: tuple[int, int] | None
    matches: int


@dataclass(slots=True)
class _OpenSeries:
    """A series to which matches are added in time order."""

    first_file: str
    matches: int = 0
    axis_team: dict[int, int] = field(default_factory=dict)
    votes: Counter[tuple[str, int]] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)
    score: tuple[int, int] | None = None
    last_teams: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())

    def copy(self) -> "_OpenSeries":
        return _OpenSeries(
            first_file=self.first_file,
            matches=self.matches,
            axis_team=dict(self.axis_team),
            votes=Counter(self.votes),
            names=dict(self.names),
            score=self.score,
            last_teams=self.last_teams,
        )

    def add(self, match: Sequence[SeriesRound], axis: int, teams: tuple[frozenset[str], frozenset[str]]) -> None:
        """Add a match whose first Axis are the given team; `teams`: the players of team 1 and 2 in it."""
        self.matches += 1
        for round_ in match:
            axis_team = axis if round_.round_number == 1 else 3 - axis
            self.axis_team[round_.key] = axis_team
            for guid, player in round_.players.items():
                if player.side in (AXIS, ALLIES):
                    self.votes[guid, axis_team if player.side == AXIS else 3 - axis_team] += 1
                    self.names[guid] = player.name
        points = _points(match)
        if points is not None:
            first, second = points if axis == 1 else points[::-1]
            before = self.score or (0, 0)
            self.score = before[0] + first, before[1] + second
        if all(teams):
            self.last_teams = teams

    def first_axis(self, match: Sequence[SeriesRound]) -> int:
        """Return the team that most of the match's first Axis, and fewest of its Allies, played for so far."""
        straight = sum(
            self.votes[guid, began] - self.votes[guid, 3 - began]
            for round_ in match
            for guid, player in round_.players.items()
            if player.side in (AXIS, ALLIES)
            for began in [player.side if round_.round_number == 1 else 3 - player.side]
        )
        return 1 if straight >= 0 else 2

    def result(self, number: int, rules: NamingRules) -> Series:
        team = {
            guid: 1 if self.votes[guid, 1] >= self.votes[guid, 2] else 2
            for guid in sorted({guid for guid, _ in self.votes})
        }
        return Series(
            number=number,
            axis_team=self.axis_team,
            team=team,
            names=self._names(team, rules),
            score=self.score,
            matches=self.matches,
        )

    def _names(self, team: Mapping[str, int], rules: NamingRules) -> tuple[str, str]:
        members: list[Member] = []
        for guid, number in team.items():
            if guid not in rules.hidden:
                rounds = self.votes[guid, 1] + self.votes[guid, 2]
                members.append(Member(number, self.names[guid], rounds, guid))
        chosen = {number: rules.team_names.get((self.first_file, number), "") for number in (1, 2)}
        names = team_names(members, chosen)
        # A team without players has no row for its name.
        there = set(team.values())
        return names[0] if 1 in there else UNNAMED[0], names[1] if 2 in there else UNNAMED[1]


class SessionSeries:
    """The series of a session's matches so far."""

    def __init__(self) -> None:
        self._closed: list[_OpenSeries] = []
        self._last: _OpenSeries | None = None

    def copy(self) -> "SessionSeries":
        """Return an equal object; matches that are added to one are not in the other."""
        copied = SessionSeries()
        copied._closed = list(self._closed)
        copied._last = self._last.copy() if self._last else None
        return copied

    def add(self, match: Sequence[SeriesRound]) -> None:
        """Add the rounds of the next match."""
        groups = _groups(match)
        last = self._last
        if last is None:
            last = self._last = _OpenSeries(first_file=match[0].filename)
            axis = 1
        elif all(groups) and all(last.last_teams) and not _play_on(last.last_teams, groups):
            axis = 1 if _overlap(last.last_teams, groups) >= _overlap(last.last_teams, groups[::-1]) else 2
            self._closed.append(last)
            last = self._last = _OpenSeries(first_file=match[0].filename)
        else:
            axis = last.first_axis(match)
        last.add(match, axis, groups if axis == 1 else (groups[1], groups[0]))

    def results(self, rules: NamingRules, start: int = 0, end: int | None = None) -> list[Series]:
        """Return the series in time order, from one (counted from 0) up to another, which is not included."""
        return [one.result(number, rules) for number, one in enumerate(self._all[start:end], start + 1)]

    def longest(self) -> int | None:
        """Return the place (from 0) of the series with most matches, then most rounds; the first of equals."""
        sizes = [(one.matches, len(one.axis_team), -number) for number, one in enumerate(self._all)]
        return -max(sizes)[2] if sizes else None

    def __len__(self) -> int:
        return len(self._all)

    @property
    def _all(self) -> list[_OpenSeries]:
        return [*self._closed, *([self._last] if self._last else [])]


def by_person(players: Mapping[str, SeriesPlayer], rules: NamingRules) -> Mapping[str, SeriesPlayer]:
    """Return the players of a round by main GUID, with display names.

    If two GUIDs of one person are in the round, they are kept apart.
    """
    if not rules.identities and not rules.display_names:
        return players
    count = Counter(rules.identities.get(guid, guid) for guid in players)
    persons: dict[str, SeriesPlayer] = {}
    for guid, player in players.items():
        identity = rules.identities.get(guid, guid)
        if count[identity] > 1:
            persons[guid] = player
        else:
            persons[identity] = player._replace(name=rules.display_names.get(guid, player.name))
    return persons


def matches_of(rounds: Sequence[SeriesRound]) -> list[list[SeriesRound]]:
    """Return the rounds of each match, matches in the order of their first round."""
    matches: dict[str, list[SeriesRound]] = {}
    for round_ in rounds:
        matches.setdefault(round_.match_id, []).append(round_)
    return list(matches.values())


def _groups(match: Sequence[SeriesRound]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the players that began the match as Axis and as Allies; a player's first round decides."""
    began: dict[str, int] = {}
    for round_ in sorted(match, key=lambda one: one.round_number):
        for guid, player in round_.players.items():
            if player.side in (AXIS, ALLIES):
                side = player.side if round_.round_number == 1 else 3 - player.side
                began.setdefault(guid, side)
    return (
        frozenset(guid for guid, side in began.items() if side == AXIS),
        frozenset(guid for guid, side in began.items() if side == ALLIES),
    )


def _overlap(before: Sequence[frozenset[str]], now: Sequence[frozenset[str]]) -> int:
    return len(before[0] & now[0]) + len(before[1] & now[1])


def _play_on(before: Sequence[frozenset[str]], now: Sequence[frozenset[str]]) -> bool:
    """Return whether at least half of both teams play on, on any sides."""
    return any(
        all(2 * len(team & other) >= len(team) for team, other in zip(before, order, strict=True))
        for order in (now, now[::-1])
    )


def _points(match: Sequence[SeriesRound]) -> tuple[int, int] | None:
    outcome = {
        round_.round_number: stopwatch.MatchOutcome(
            defender_team=round_.defender_team,
            winner_team=round_.winner_team,
            time_limit_seconds=round_.time_limit_seconds,
        )
        for round_ in match
    }
    return stopwatch.map_score(outcome.get(1), outcome.get(2))
