"""All that is known of one player, and of two side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from etstats.db import maps, players
from etstats.db.connection import Connection
from etstats.db.maps import RecordValue
from etstats.db.players import Alias, OnMap, OnSide, PlayedRound, Teammate, WithWeapon
from etstats.db.scope import Scope
from etstats.domain.rules.bests import DPM_SECONDS
from etstats.domain.rules.boards import BOARDS, Board, value_of
from etstats.domain.rules.records import ACCURACY_SHOTS
from etstats.domain.stats import PlayerSums
from etstats.domain.views import ProgressRow
from etstats.errors import ConfigError
from etstats.stats import careers, rankings
from etstats.stats.rankings import Place

FORM_ROUNDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The last rounds, oldest first, and the DPM of all rounds in question to hold theirs against (HP/min)."""

    rounds: tuple[PlayedRound, ...]
    average_dpm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One player; `sums` is None when the player was in none of the rounds in question.

    `records` are the bests of single rounds; `achievements` are of the whole career, whatever is in question.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardComparison:
    """One board for two players; `better` is the GUID of who is ahead, None when neither is."""

    board: str
    value: float | None
    other_value: float | None
    better: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two players side by side; `meetings` is from the first one's point of view, None when they never met.

    Sums are None for who was in none of the rounds in question.
    """

    clean_name: str
    other_clean_name: str
    player: PlayerSums | None
    other: PlayerSums | None
    duels: tuple[BoardComparison, ...]
    meetings: Teammate | None


def profile(conn: Connection, scope: Scope, guid: str) -> Profile:
    """Gather one player's profile over a scope; the GUID must be in the database."""
    field = rankings.population(conn, scope, shown=[guid])
    own = next((sums for sums in field.now if sums.player_guid == guid), None)
    known = players.aliases(conn, guid)
    last = players.rounds(conn, scope, guid, FORM_ROUNDS)
    bests = maps.round_records(conn, scope, dpm_seconds=DPM_SECONDS, accuracy_shots=ACCURACY_SHOTS, guid=guid)
    return Profile(
        player_guid=guid,
        player_name=own.player_name if own else known[0].alias,
        clean_name=known[0].alias,
        first_seen=min(alias.first_seen for alias in known),
        last_seen=known[0].last_seen,
        sums=own,
        places=tuple(field.places(guid)) if own else (),
        form=Form(rounds=tuple(reversed(last)), average_dpm=_average_dpm(own)),
        maps=tuple(players.maps(conn, scope, guid)),
        sides=tuple(players.sides(conn, scope, guid)),
        weapons=tuple(players.weapons(conn, scope, guid)),
        company=tuple(players.company(conn, scope, guid)),
        records=tuple(feat for feat in bests if feat.map_name is None),
        achievements=tuple(careers.progress_rows(conn, guid)),
        aliases=tuple(known),
    )


def compare(conn: Connection, scope: Scope, guid: str, other: str) -> Comparison:
    """Set two players side by side on every board, and count their meetings; ConfigError for one and the same."""
    if guid == other:
        raise ConfigError(f"{guid} is one player under both names; name another to compare with")
    field = rankings.population(conn, scope, shown=[guid, other])
    there = {sums.player_guid: sums for sums in field.now}
    both = (there.get(guid), there.get(other))
    met = players.company(conn, scope, guid, other)
    return Comparison(
        clean_name=players.aliases(conn, guid)[0].alias,
        other_clean_name=players.aliases(conn, other)[0].alias,
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
