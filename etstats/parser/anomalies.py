"""Find contradictions in a file or with its round 1; the values are stored as recorded."""

from collections.abc import Iterator
from dataclasses import dataclass

from etstats.domain.fields import FIELDS
from etstats.domain.rounds import CUMULATIVE, RawPlayer, RawRound
from etstats.parser.rounds import Rule, rule_of

# A K/D is written with one decimal.
_KD_ROUNDING = 0.0501
_FEW_PLAYERS = 3
_TIMES = ("time_played_minutes", "damage_given", "damage_received")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """A value that contradicts another one; `check` names the error, `guid` is None for the whole file."""

    check: str
    guid: str | None = None
    name: str | None = None
    field: str
    value: str
    expected: str


def find_anomalies(raw: RawRound, round1: RawRound | None) -> Iterator[Anomaly]:
    """Yield the contradictions in a file; `round1` is the file subtracted from it, if any."""
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
    firsts = {player.guid: player for player in round1.players} if round1 else {}
    skips = round1 is not None and round1.name.round_number == 2  # the previous map of a server without stopwatch
    for player in raw.players:
        yield from _of_line(player)
        if player.guid in firsts:
            yield from _of_pair(player, firsts[player.guid], skips=skips)


def are_counters_foreign(raw: RawRound) -> bool:
    """Return whether the K/D of most players of a file differs from their weapons' kills and deaths.

    Then one of the counters was carried over from another map. A K/D of 0 means that none was written.
    """
    players = [player for player in (*raw.players, *raw.anonymous) if player.fields.kd_ratio]
    return len(players) >= _FEW_PLAYERS and 2 * sum(map(_has_other_kd, players)) > len(players)


def _has_other_kd(player: RawPlayer) -> bool:
    kills, deaths = sum(weapon.kills for weapon in player.weapons), sum(weapon.deaths for weapon in player.weapons)
    ours = kills / deaths if deaths else kills + 1  # as the game computes it without deaths
    kd_ratio = player.fields.kd_ratio
    return kd_ratio is not None and abs(kd_ratio - ours) > _KD_ROUNDING


def _of_line(player: RawPlayer) -> Iterator[Anomaly]:
    if _has_other_kd(player):
        kills, deaths = (
            sum(weapon.kills for weapon in player.weapons),
            sum(weapon.deaths for weapon in player.weapons),
        )
        yield _anomaly(player, "kd_of_file_differs", "kd_ratio", player.fields.kd_ratio, f"{kills} / {deaths}")
    shots = sum(weapon.shots for weapon in player.weapons)
    # Older layouts (without revives given) count something else in this field.
    bullets = player.fields.bullets_fired
    if player.fields.revives_given is not None and bullets is not None and bullets != shots:
        yield _anomaly(player, "bullets_of_file_differ", "bullets_fired", player.fields.bullets_fired, shots)


def _of_pair(player: RawPlayer, first: RawPlayer, *, skips: bool) -> Iterator[Anomaly]:
    rule = rule_of(player, first, 2, has_round1=True, skips=skips)
    expected = (first.rounds or 0) + 1
    if skips and rule is Rule.SPLIT and (player.rounds or 0) > expected:
        yield _anomaly(player, "map_missing", "rounds", player.rounds, expected)
    if rule is Rule.RESET:
        yield _reset(player, first)
    elif rule is Rule.SPLIT:
        for place, field in enumerate(FIELDS):
            now, before = player.fields[place], first.fields[place]
            is_counted = field.behaviour == CUMULATIVE and field.name != "bullets_fired"
            if is_counted and now is not None and before is not None and now < before:
                yield _anomaly(player, "counter_fell", field.name, now, f"{before} or more, as in round 1")


def _reset(player: RawPlayer, first: RawPlayer) -> Anomaly:
    if None not in (player.rounds, first.rounds) and player.rounds != (first.rounds or 0) + 1:
        return _anomaly(player, "counter_reset", "rounds", player.rounds, (first.rounds or 0) + 1)
    for name in _TIMES:
        now, before = getattr(player.fields, name), getattr(first.fields, name)
        if now < before:
            return _anomaly(player, "counter_reset", name, now, f"{before} or more, as in round 1")
    return _anomaly(player, "counter_reset", "weapons", "fewer than in round 1", "no fewer")


def _anomaly(player: RawPlayer, check: str, field: str, value: object, expected: object) -> Anomaly:
    return Anomaly(
        check=check, guid=player.guid, name=player.name, field=field, value=str(value), expected=str(expected)
    )
