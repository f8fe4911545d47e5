"""The records: their names, and the minimums for a ratio of one round or one session."""

from dataclasses import dataclass

ACCURACY_SHOTS = 100
SESSION_DPM_SECONDS = 1800
"""In one round the bound is that of personal bests, `bests.DPM_SECONDS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKind:
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
