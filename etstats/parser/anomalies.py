"""What a file says against itself, or against its round 1: recorded as it stands, and told by `validate`."""

from collections.abc import Iterator
from dataclasses import dataclass

from etstats.domain.rounds import CUMULATIVE, RawPlayer, RawRound
from etstats.parser.fields import FIELDS
from etstats.parser.rounds import Rule, rule_of

# A K/D is written with one decimal.
_KD_ROUNDING = 0.0501
_TIMES = ("time_played_minutes", "damage_given", "damage_received")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One number that another one contradicts; `check` names the fault, `guid` is None for the whole file."""

    check: str
    guid: str | None = None
    name: str | None = None
    field: str
    value: str
    expected: str


def doubts(raw: RawRound, round1: RawRound | None) -> Iterator[Anomaly]:
    """All that is doubtful in a file; `round1` is the file it was split against, if any."""
    if raw.had_bad_bytes:
        yield Anomaly(check="text_not_utf8", field="content", value="other bytes", expected="UTF-8")
    for bad in raw.unreadable:
        yield Anomaly(
            check="unreadable_value",
            guid=bad.guid,
            name=bad.name,
            field=bad.field,
            value=f"line {bad.line}: {bad.text}",
            expected="a number the game can write",
        )
    if raw.extra_fields:
        value = str(raw.extra_fields + len(FIELDS))
        yield Anomaly(check="newer_layout", field="fields", value=value, expected=f"at most {len(FIELDS)}")
    firsts = {p.guid: p for p in round1.players} if round1 else {}
    for player in raw.players:
        yield from _of_line(player)
        if player.guid in firsts:
            yield from _of_pair(player, firsts[player.guid])


def _of_line(player: RawPlayer) -> Iterator[Anomaly]:
    kills, deaths = sum(w.kills for w in player.weapons), sum(w.deaths for w in player.weapons)
    ours = kills / deaths if deaths else kills + 1  # the file's own way with no deaths
    kd_ratio = player.fields.kd_ratio
    if kd_ratio is not None and abs(kd_ratio - ours) > _KD_ROUNDING:
        yield _doubt(player, "kd_of_file_differs", "kd_ratio", player.fields.kd_ratio, f"{kills} / {deaths}")
    shots = sum(w.shots for w in player.weapons)
    # Older layouts, known by having no revives given, count something else here.
    bullets = player.fields.bullets_fired
    if player.fields.revives_given is not None and bullets is not None and bullets != shots:
        yield _doubt(player, "bullets_of_file_differ", "bullets_fired", player.fields.bullets_fired, shots)


def _of_pair(player: RawPlayer, first: RawPlayer) -> Iterator[Anomaly]:
    rule = rule_of(player, first, 2, has_round1=True)
    if rule is Rule.RESET:
        yield _reset(player, first)
    elif rule is Rule.SPLIT:
        for place, field in enumerate(FIELDS):
            now, before = player.fields[place], first.fields[place]
            is_counted = field.behaviour == CUMULATIVE and field.name != "bullets_fired"
            if is_counted and now is not None and before is not None and now < before:
                yield _doubt(player, "counter_fell", field.name, now, f"{before} or more, as in round 1")


def _reset(player: RawPlayer, first: RawPlayer) -> Anomaly:
    if None not in (player.rounds, first.rounds) and player.rounds != (first.rounds or 0) + 1:
        return _doubt(player, "counter_reset", "rounds", player.rounds, (first.rounds or 0) + 1)
    for name in _TIMES:
        now, before = getattr(player.fields, name), getattr(first.fields, name)
        if now < before:
            return _doubt(player, "counter_reset", name, now, f"{before} or more, as in round 1")
    return _doubt(player, "counter_reset", "weapons", "fewer than in round 1", "no fewer")


def _doubt(player: RawPlayer, check: str, field: str, value: object, expected: object) -> Anomaly:
    return Anomaly(
        check=check, guid=player.guid, name=player.name, field=field, value=str(value), expected=str(expected)
    )
