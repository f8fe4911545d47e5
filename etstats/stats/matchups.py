"""Even teams, and results of pairs and opponents compared with the ratings' expectation."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from etstats.db import players
from etstats.db import ratings as stored
from etstats.db.connection import Connection
from etstats.db.players import Alias
from etstats.db.ratings import DuoResults, RivalResults
from etstats.db.scope import Scope
from etstats.domain.live import HIDDEN, LiveServer
from etstats.domain.rules.team_split import TeamSplit, even_splits
from etstats.errors import ConfigError

# Number of matches with the expected result that are added to shrink the difference.
_PRIOR_MATCHES = 10


class TeamPlayer(NamedTuple):
    """A player for a team: `key` is the GUID, or another unique text for an unknown player; the name is clean."""

    key: str
    name: str


class OnlinePlayers(NamedTuple):
    """The players on a game server, and the number of hidden players that are left out."""

    people: tuple[TeamPlayer, ...]
    hidden: int


class SplitOfTeams(NamedTuple):
    """Two teams by clean names and by keys, and the chance (0 to 1) of the first to win."""

    team1: tuple[str, ...]
    team2: tuple[str, ...]
    chance1: float
    guids1: tuple[str, ...]
    guids2: tuple[str, ...]


class EvenTeams(NamedTuple):
    """The most even splits, most even first, and the names of players without a rating, who count as average."""

    splits: tuple[SplitOfTeams, ...]
    unrated: tuple[str, ...]


def even_teams(conn: Connection, people: Sequence[TeamPlayer], count: int) -> EvenTeams:
    """Return the `count` most even splits of these players; with an odd number team 1 has one more.

    ConfigError: fewer than 2 or more than 64 players, a duplicate, or a hidden or anonymized player.
    """
    names = {person.key: person.name for person in people}
    unrated = stored.unrated_persons(conn)
    if hidden := [person.name for person in people if person.key in unrated]:
        raise ConfigError(f"{', '.join(hidden)}: hidden and forgotten players have no rating; remove them")
    book = stored.book_of(conn, list(names))
    try:
        splits = even_splits(book, [person.key for person in people], count)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return EvenTeams(
        tuple(_named(split, names, {key: book.player(key).mu for key in names}) for split in splits),
        tuple(person.name for person in people if person.key not in book.players),
    )


def online_players(conn: Connection, server: LiveServer, taken: Collection[str]) -> OnlinePlayers:
    """Return the players of a server who are not `taken` (by GUID); the game knows only names.

    A name belongs to the player who used it last; an unknown name to an unknown player.
    """
    last_seen: dict[str, Alias] = {}
    for alias in players.aliases(conn):  # the last seen first
        last_seen.setdefault(alias.alias, alias)
    people: dict[str, TeamPlayer] = {}
    for place, player in enumerate(server.players, start=1):
        key = f"{player.name} in slot {place}"
        if player.name in last_seen and player.name != HIDDEN:
            key = last_seen[player.name].guid
        if player.name != HIDDEN and key not in taken:
            people[key] = TeamPlayer(key, player.name)
    hidden = sum(player.name == HIDDEN for player in server.players)
    return OnlinePlayers(tuple(people.values()), hidden)


def duos(conn: Connection, scope: Scope, least: int) -> list[DuoResults]:
    """Return the pairs with at least `least` matches together, best against expectation first."""
    return sorted(
        stored.duos(conn, scope, least, stored.unrated_persons(conn)), key=lambda duo: (-_surplus(duo), duo.guid1)
    )


def rivals(conn: Connection, scope: Scope, guid: str, least: int) -> list[RivalResults]:
    """Return the opponents with at least `least` matches against a player, favourite first."""
    return sorted(
        stored.rivals(conn, scope, guid, least, stored.unrated_persons(conn)),
        key=lambda rival: (-_surplus(rival), rival.player_guid),
    )


def _surplus(results: DuoResults | RivalResults) -> float:
    difference = results.win_share - results.expected_share
    return difference * results.matches / (results.matches + _PRIOR_MATCHES)


def _named(split: TeamSplit, names: Mapping[str, str], mu: Mapping[str, float]) -> SplitOfTeams:
    """Return a split with the players' names, best of each team first."""
    teams = [tuple(sorted(team, key=lambda key: (-mu[key], key))) for team in (split.team1, split.team2)]
    return SplitOfTeams(
        tuple(names[key] for key in teams[0]), tuple(names[key] for key in teams[1]), split.chance1, *teams
    )
