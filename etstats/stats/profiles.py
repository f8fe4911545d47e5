"""The profile of a player, and the comparison of two players."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from etstats.db import boards, maps, players
from etstats.db.connection import Connection
from etstats.db.maps import RecordValue
from etstats.db.players import Alias, OnMap, OnSide, PlayedRound, Teammate, WithWeapon
from etstats.db.scope import Scope
from etstats.db.sessions import last_names
from etstats.domain.rules.boards import BOARDS, Board, value_of
from etstats.domain.rules.records import ACCURACY_SHOTS, DPM_SECONDS
from etstats.domain.stats import PlayerSums
from etstats.domain.views import ProgressRow
from etstats.errors import ConfigError
from etstats.stats import careers, rankings, rating_lists
from etstats.stats.rankings import Place
from etstats.stats.rating_lists import RatingSummary

FORM_ROUNDS = 10
RATED_MATCHES = 20


class Form(NamedTuple):
    """The last rounds, oldest first, and the average DPM of all selected rounds (HP/min)."""

    rounds: tuple[PlayedRound, ...]
    average_dpm: float


class Profile(NamedTuple):
    """A player; `sums` is None if the player was in none of the selected rounds.

    `records` are of single rounds; `achievements` and `rating` cover the whole career, regardless of the
    selection.
    """

    player_guid: str
    player_name: str
    clean_name: str
    first_seen: datetime
    last_seen: datetime
    sums: PlayerSums | None
    places: tuple[Place, ...]
    form: Form
    maps: tuple[OnMap, ...]
    sides: tuple[OnSide, ...]
    weapons: tuple[WithWeapon, ...]
    company: tuple[Teammate, ...]
    records: tuple[RecordValue, ...]
    achievements: tuple[ProgressRow, ...]
    aliases: tuple[Alias, ...]
    rating: RatingSummary | None = None


class BoardComparison(NamedTuple):
    """A board of two players; `better` is the GUID of the better player, None if equal."""

    board: str
    value: float | None
    other_value: float | None
    better: str | None


class Comparison(NamedTuple):
    """Two players compared; `meetings` is from the first one's point of view, None without common rounds.

    Sums are None for a player who was in none of the selected rounds.
    """

    clean_name: str
    other_clean_name: str
    player: PlayerSums | None
    other: PlayerSums | None
    duels: tuple[BoardComparison, ...]
    meetings: Teammate | None


def profile(conn: Connection, scope: Scope, guid: str) -> Profile:
    """Return a player's profile over a scope; the GUID must be in the database."""
    field = rankings.population(conn, scope, shown=[guid], with_before=False, with_names=False)
    known = players.aliases(conn, guid)
    name = players.present_names(conn, [guid])[guid]
    own = next((sums for sums in field.now if sums.player_guid == guid), None)
    own = own and own._replace(**name._asdict())
    last = players.rounds(conn, scope, guid, FORM_ROUNDS)
    bounds = {"dpm_seconds": DPM_SECONDS, "accuracy_shots": ACCURACY_SHOTS}
    return Profile(
        player_guid=guid,
        player_name=name.player_name if own else name.clean_name,
        clean_name=name.clean_name,
        first_seen=min(alias.first_seen for alias in known),
        last_seen=known[0].last_seen,
        sums=own,
        places=tuple(field.places(guid)) if own else (),
        form=Form(rounds=tuple(reversed(last)), average_dpm=_average_dpm(own)),
        maps=tuple(players.maps(conn, scope, guid)),
        sides=tuple(players.sides(conn, scope, guid)),
        weapons=tuple(players.weapons(conn, scope, guid)),
        company=tuple(players.company(conn, scope, guid)),
        records=tuple(maps.player_records(conn, scope, guid, **bounds)),
        achievements=tuple(careers.progress_rows(conn, guid)),
        aliases=tuple(known),
        rating=rating_lists.summary(conn, guid, RATED_MATCHES),
    )


def compare(conn: Connection, scope: Scope, guid: str, other: str) -> Comparison:
    """Compare two players on every board, and count their common rounds; ConfigError for the same player."""
    if guid == other:
        raise ConfigError(f"{guid} is one player with both names; choose another player")
    pair = [guid, other]
    parts = boards.player_sums(conn, scope, pair, with_before=False, guids=pair)
    there = {part.sums.player_guid: part.sums for part in parts}
    both = (there.get(guid), there.get(other))
    met = players.company(conn, scope, guid, other)
    names = last_names(conn, [guid, other])
    return Comparison(
        clean_name=names[guid],
        other_clean_name=names[other],
        player=both[0],
        other=both[1],
        duels=tuple(
            _duel(board, (guid, other), [value_of(board, sums) if sums else None for sums in both])
            for board in BOARDS.values()
            if any(both)
        ),
        meetings=met[0] if met else None,
    )


def _duel(board: Board, players: tuple[str, str], values: Sequence[float | None]) -> BoardComparison:
    mine, theirs = values
    better = None
    if mine is not None and theirs is not None and mine != theirs:
        wants_less = board.lowest_first or board.name == "deaths"
        better = players[(mine < theirs) != wants_less]
    return BoardComparison(board=board.name, value=mine, other_value=theirs, better=better)


def _average_dpm(sums: PlayerSums | None) -> float:
    return 60 * sums.damage_given / sums.time_played_seconds if sums and sums.time_played_seconds else 0.0
