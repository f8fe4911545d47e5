"""Compare stored rounds with rounds derived from the archive."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from decimal import ROUND_HALF_UP, Decimal
from operator import attrgetter

from etstats.db.columns import PLAYER_COLUMNS
from etstats.db.rebuilding import DerivedFacts, WholeRound
from etstats.db.rounds import DerivedRound
from etstats.domain.rounds import PlayerRound, Round, WeaponStats

_TENTH = Decimal("0.1")
_facts = attrgetter(*DerivedFacts._fields[1:])
_guid = attrgetter("player_guid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A value that differs from the archive; the text `None` if a row is missing."""

    table: str
    filename: str | None
    player_guid: str | None
    field: str
    stored: str
    derived: str


def as_stored(derived: Round) -> Round:
    """Return a derived round as the database returns it: sorted players and weapons, decimals of its columns."""
    players = sorted(map(_player_as_stored, derived.players), key=lambda player: player.player_guid)
    return replace(derived, players=tuple(players))


def is_same(stored: WholeRound, placed: DerivedRound) -> bool:
    """Return whether the stored round equals the derived one, with the same session and match."""
    place = stored.place
    return (
        place.ended_at == placed.ended_at
        and place.match_id == placed.match_id
        and place.round1_id == placed.round1_id
        and place.gaming_session_id == placed.session_id
        and (place.series_id, place.axis_team) == (placed.series_id, placed.axis_team)
        and (has_same_rows(stored, placed.round) or stored.round == as_stored(placed.round))
    )


def has_same_rows(stored: WholeRound, derived: Round) -> bool:
    """Compare quickly; also False if only the notation of a decimal differs."""
    place, facts, name = stored.place, stored.facts, derived.name
    if len(stored.players) != len(derived.players) or (
        (place.stamp, place.map_name, place.round_number, place.time_limit_seconds, place.actual_time_seconds)
        != (name.stamp, name.map_name, name.round_number, derived.time_limit_seconds, derived.actual_time_seconds)
    ):
        return False
    if facts != (name.filename, *_facts(derived)):
        return False
    players = sorted(derived.players, key=_guid)
    return all(
        row == player[:-1] and stored.weapons.get(player.player_guid, []) == sorted(player.weapons)
        for row, player in zip(stored.players, players, strict=True)
    )


def round_differences(stored: Round, derived: Round) -> Iterator[Difference]:
    """Return the differences of two rounds of one file: of the round, its players and their weapons."""
    filename = derived.name.filename
    derived = as_stored(derived)
    for name, before, now in _fields(stored.name, derived.name):
        yield Difference(
            table="rounds", filename=filename, player_guid=None, field=name, stored=before, derived=now
        )
    for name, before, now in _fields(stored, derived, but=("name", "players")):
        yield Difference(
            table="rounds", filename=filename, player_guid=None, field=name, stored=before, derived=now
        )
    old = {player.player_guid: player for player in stored.players}
    new = {player.player_guid: player for player in derived.players}
    for guid in sorted(old.keys() | new.keys()):
        if guid not in old or guid not in new:
            yield _missing("player_comprehensive_stats", filename, guid, "player", guid in old)
            continue
        for name, before, now in _columns_that_differ(old[guid], new[guid]):
            yield Difference(
                table="player_comprehensive_stats",
                filename=filename,
                player_guid=guid,
                field=name,
                stored=before,
                derived=now,
            )
        yield from _weapon_differences(filename, guid, old[guid], new[guid])


def _weapon_differences(filename: str, guid: str, old: PlayerRound, new: PlayerRound) -> Iterator[Difference]:
    table = "weapon_comprehensive_stats"
    before, now = {weapon.name: weapon for weapon in old.weapons}, {weapon.name: weapon for weapon in new.weapons}
    for name in sorted(before.keys() | now.keys()):
        if name not in before or name not in now:
            yield _missing(table, filename, guid, name, name in before)
            continue
        for count, stored, derived in zip(WeaponStats._fields, before[name], now[name], strict=True):
            if stored != derived:
                yield Difference(
                    table=table,
                    filename=filename,
                    player_guid=guid,
                    field=f"{name}.{count}",
                    stored=str(stored),
                    derived=str(derived),
                )


def _missing(table: str, filename: str, guid: str, field: str, is_stored: bool) -> Difference:
    words = ("stored", "no row") if is_stored else ("no row", "in the archive")
    return Difference(
        table=table, filename=filename, player_guid=guid, field=field, stored=words[0], derived=words[1]
    )


def _fields(stored: object, derived: object, but: tuple[str, ...] = ()) -> Iterator[tuple[str, str, str]]:
    for field in fields(stored):  # type: ignore[arg-type]  # both are the same dataclass
        before, now = getattr(stored, field.name), getattr(derived, field.name)
        if field.name not in but and before != now:
            yield field.name, str(before), str(now)


def _columns_that_differ(stored: PlayerRound, derived: PlayerRound) -> Iterator[tuple[str, str, str]]:
    for name, before, now in zip(PLAYER_COLUMNS, stored, derived, strict=False):  # all fields except the weapons
        if before != now:
            yield name, str(before), str(now)


def _player_as_stored(player: PlayerRound) -> PlayerRound:
    shield, dead = _tenths(player.tank_meatshield), _tenths(player.time_dead_minutes)
    weapons = tuple(sorted(player.weapons))
    if (shield, dead, weapons) == (player.tank_meatshield, player.time_dead_minutes, player.weapons):
        return player
    return player._replace(tank_meatshield=shield, time_dead_minutes=dead, weapons=weapons)


def _tenths(number: float | None) -> float | None:
    """Round like numeric(12, 1): halves away from zero."""
    if number is None or round(number, 1) == number:
        return number
    return float(Decimal(repr(number)).quantize(_TENTH, ROUND_HALF_UP))
