"""The records of rounds and sessions: names, minimums for ratios, and the detection of new records."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from etstats.domain.stats import Career

ACCURACY_SHOTS = 100
SESSION_DPM_SECONDS = 1800
# Without a minimum, every round of a new player would be a personal best.
ROUNDS_BEFORE_PERSONAL = 20
# The DPM of a few seconds is not meaningful.
DPM_SECONDS = 300


class RecordKind(NamedTuple):
    """One kind of record, by its name in the database."""

    name: str
    heading: str
    unit: str = ""


RECORDS = {
    kind.name: kind
    for kind in (
        RecordKind(name="kills", heading="Kills"),
        RecordKind(name="damage", heading="Damage", unit="HP"),
        RecordKind(name="dpm", heading="DPM", unit="HP/min"),
        RecordKind(name="accuracy", heading="Accuracy", unit="%"),
        RecordKind(name="headshot_kills", heading="Headshot kills"),
        RecordKind(name="spree", heading="Killing spree"),
        RecordKind(name="multikills", heading="Multikills"),
        RecordKind(name="gibs", heading="Gibs"),
        RecordKind(name="revives", heading="Revives"),
        RecordKind(name="assists", heading="Assists"),
        RecordKind(name="objectives", heading="Objectives"),
        RecordKind(name="useful", heading="Useful kills"),
        RecordKind(name="xp", heading="XP"),
    )
}


class Best(NamedTuple):
    """One best of a round; `key` is the attribute of `Career`, `is_personal`: also reported for each player."""

    key: str
    title: str
    is_personal: bool


class NewRecord(NamedTuple):
    """A new record, of all players (`is_all_time`) or personal; `before` None: there was none."""

    best: Best
    player_guid: str
    value: float
    before: float | None
    is_all_time: bool


BESTS = (
    Best(key="best_kills", title="kills in a round", is_personal=True),
    Best(key="best_damage_given", title="damage in a round", is_personal=True),
    Best(key="best_dpm", title="DPM in a round", is_personal=True),
    Best(key="best_headshot_kills", title="headshot kills in a round", is_personal=True),
    Best(key="best_killing_spree", title="killing spree", is_personal=True),
    Best(key="best_revives_given", title="revives in a round", is_personal=False),
    Best(key="best_gibs", title="gibs in a round", is_personal=False),
    Best(key="best_most_useful_kills", title="most useful kills in a round", is_personal=False),
)


def new_records(before: Mapping[str, Career], within: Iterable[Career]) -> list[NewRecord]:
    """Return the new records in some rounds, all-time ones first; `before`: all careers before these rounds.

    An all-time record is not repeated as a personal one. Neither an equal value nor a first round is a record.
    """
    players = sorted(within, key=lambda career: career.player_guid)
    all_time: list[NewRecord] = []
    personal: list[NewRecord] = []
    for best in BESTS if before else ():
        mark = max(getattr(career, best.key) for career in before.values())
        top = max(players, key=lambda career: getattr(career, best.key), default=None)
        if top is not None and getattr(top, best.key) > mark:
            all_time.append(_new_record(best, top, mark, is_all_time=True))
        personal += _personal(
            best, before, [player for player in players if not (all_time and _is(all_time[-1], best, player))]
        )
    return all_time + personal


def personal_bests(before: Mapping[str, Career], within: Iterable[Career]) -> list[NewRecord]:
    """Return the new personal bests in some rounds; `before`: the players' careers before these rounds."""
    players = sorted(within, key=lambda career: career.player_guid)
    return [broken for best in BESTS for broken in _personal(best, before, players)]


def _personal(best: Best, before: Mapping[str, Career], players: Sequence[Career]) -> list[NewRecord]:
    if not best.is_personal:
        return []
    return [
        _new_record(best, player, getattr(was, best.key), is_all_time=False)
        for player in players
        if (was := before.get(player.player_guid)) is not None
        and was.rounds >= ROUNDS_BEFORE_PERSONAL
        and getattr(player, best.key) > getattr(was, best.key) > 0
    ]


def _is(known: NewRecord, best: Best, player: Career) -> bool:
    return known.best is best and known.player_guid == player.player_guid


def _new_record(best: Best, player: Career, before: float, *, is_all_time: bool) -> NewRecord:
    return NewRecord(
        best=best,
        player_guid=player.player_guid,
        value=getattr(player, best.key),
        before=before or None,
        is_all_time=is_all_time,
    )
