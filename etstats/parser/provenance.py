"""Explain how each stored number of a player is computed from the player's lines.

The formulas are independent of `rounds.py`, which computes the values, so that they can be compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from etstats.domain.fields import BULLET_WEAPONS, FIELDS
from etstats.domain.names import clean_name
from etstats.domain.rounds import CUMULATIVE, PER_ROUND, RawPlayer, WeaponStats
from etstats.parser.rounds import Rule, played_seconds

# Generated columns of the database.
_RATIOS = {
    "time_played_minutes": ("min", "time_played_seconds / 60"),
    "kd_ratio": ("ratio", "kills / deaths; without deaths: kills"),
    "dpm": ("HP/min", "60 × damage_given / time_played_seconds; 0 without time"),
    "efficiency": ("%", "100 × kills / (kills + deaths); 0 without either"),
    "accuracy": ("%", "100 × hits / shots, over the bullet weapons; 0 without shots"),
    "time_dead_ratio": ("%", "6000 × time_dead_minutes / time_played_seconds, 100 at most"),
}
_SUMS = {
    "kills": ("kills", False),
    "deaths": ("deaths", False),
    "headshots": ("headshots", False),
    "hits": ("hits", True),
    "shots": ("shots", True),
    "bullets_fired": ("shots", False),
}
_COUNTS = WeaponStats._fields[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """The formula of a field; `read` and `round1` are the values in the two lines, or None."""

    field: str
    unit: str
    read: str | None
    round1: str | None
    how: str


def formulas(player: RawPlayer, first: RawPlayer | None, rule: Rule) -> Iterator[Formula]:
    """Yield the formulas of a player's fields, and `WEAPON.count` for each weapon; `first`: round 1's line."""
    base = first if rule is Rule.SPLIT else None
    yield Formula(
        field="player_name",
        unit="",
        read=player.name,
        round1=None if first is None else first.name,
        how="this line's, colours and all",
    )
    yield Formula(
        field="clean_name",
        unit="",
        read=player.name,
        round1=None,
        how=f"without colours: {clean_name(player.name)}",
    )
    yield Formula(
        field="team",
        unit="",
        read=str(player.team),
        round1=None if first is None else str(first.team),
        how="this line's",
    )
    yield Formula(
        field="was_reset", unit="", read=str(player.rounds), round1=None if first is None else str(first.rounds),
        how=f"rounds before this one, by the counters; {rule.value}",
    )  # fmt: skip
    for name, (count, only_bullets) in _SUMS.items():
        yield _sum(name, count, only_bullets, player, base)
    yield _time_played(player, base)
    for place, field in enumerate(FIELDS):
        read, before = player.fields[place], None if first is None else first.fields[place]
        if field.name in _SUMS or field.name in _RATIOS:
            continue
        if field.name == "time_played_percent":
            how = _share(player, base)
        elif field.behaviour == CUMULATIVE:
            how = _minus(read, None if base is None else base.fields[place])
        else:
            how = "this layout has no such field" if read is None else f"{read} as recorded ({PER_ROUND})"
        yield Formula(
            field=field.name,
            unit=field.unit,
            read=None if read is None else str(read),
            round1=None if before is None else str(before),
            how=how,
        )
    for name, (unit, how) in _RATIOS.items():
        # Some are in the line too, of both rounds or wrong in round 2: they are shown and not used.
        read, before = (
            getattr(player_line.fields, name, None) if player_line else None for player_line in (player, first)
        )
        yield Formula(
            field=name,
            unit=unit,
            read=None if read is None else str(read),
            round1=None if before is None else str(before),
            how=how,
        )
    yield from _weapons(player, base)


def _weapons(player: RawPlayer, base: RawPlayer | None) -> Iterator[Formula]:
    before = {weapon.name: weapon for weapon in base.weapons} if base else {}
    for weapon in player.weapons:
        old = before.get(weapon.name)
        for count in _COUNTS:
            read, round1 = getattr(weapon, count), None if old is None else getattr(old, count)
            yield Formula(
                field=f"{weapon.name}.{count}",
                unit="",
                read=str(read),
                round1=None if round1 is None else str(round1),
                how=_minus(read, round1),
            )


def _sum(name: str, count: str, only_bullets: bool, player: RawPlayer, base: RawPlayer | None) -> Formula:
    before = {weapon.name: getattr(weapon, count) for weapon in base.weapons} if base else {}
    used = [weapon for weapon in player.weapons if weapon.name in BULLET_WEAPONS or not only_bullets]
    alone = {weapon.name: max(0, getattr(weapon, count) - before.get(weapon.name, 0)) for weapon in used}
    terms = " + ".join(f"{weapon} {number}" for weapon, number in alone.items() if number) or "none"
    over = f"the {'bullet ' if only_bullets else ''}weapons{', each less round 1' if base else ''}"
    return Formula(
        field=name,
        unit="",
        read=str(sum(getattr(weapon, count) for weapon in used)),
        round1=str(sum(before.get(weapon.name, 0) for weapon in used)) if base else None,
        how=f"{count} summed over {over}: {terms} = {sum(alone.values())}",
    )


def _time_played(player: RawPlayer, base: RawPlayer | None) -> Formula:
    read = player.fields.time_played_minutes
    before = None if base is None else base.fields.time_played_minutes
    less = f" - {before} min = {played_seconds(base)} s" if base else ""
    seconds = played_seconds(player) - (played_seconds(base) if base else 0)
    return Formula(
        field="time_played_seconds",
        unit="s",
        read=f"{read} min",
        round1=None if before is None else f"{before} min",
        how=f"{read} min = {played_seconds(player)} s{less}: {seconds}",
    )


def _share(player: RawPlayer, base: RawPlayer | None) -> str:
    share = player.fields.time_played_percent
    if base is None:
        return f"{share} as recorded"
    now, before = played_seconds(player), played_seconds(base)
    return (
        f"({share} × {now} s - {base.fields.time_played_percent} × {before} s) / {now - before} s, from 0 to 100"
    )


def _minus(read: float | None, before: float | None) -> str:
    if before is None or read is None:
        return f"{read} as recorded"
    minimum = ", not below 0" if read < before else ""
    return f"{read} - {before} = {max(0, read - before)}{minimum} ({CUMULATIVE})"
