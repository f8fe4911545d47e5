"""The tables of maps, weapons and records."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from etstats import output
from etstats.commands.options import no_rounds
from etstats.commands.tables.formatting import record_text
from etstats.db.maps import MapSums, RecordValue, WeaponUse
from etstats.domain.rules.records import RECORDS
from etstats.output import Format, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLine:
    """A record as it is shown; `span` says whether of a round or of a session, `map_name` None: of all maps."""

    span: str
    map_name: str | None
    record: str
    value: float
    unit: str
    player_guid: str
    player_name: str
    clean_name: str
    played_on: str | None
    ended_at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _RecordRow:
    """A record as a line of a table."""

    map_name: str | None
    record: str
    value: str
    player_name: str
    played_on: str | None
    ended_at: datetime


def maps_table(rows: Sequence[MapSums], words: str, zone: tzinfo) -> Table:
    """The maps, most played first."""
    columns = [
        output.text("map_name", "Map"),
        output.whole("times_played", "Played"),
        output.share("attack_share", "Attack won"),
        output.clock("average_attack_seconds", "Avg time"),
        output.clock("best_attack_seconds", "Best"),
        output.whole("full_holds", "Full holds"),
        output.day("last_played", "Last"),
    ]
    local = [replace(row, last_played=row.last_played.astimezone(zone)) for row in rows]
    return Table(title=f"Maps{words}", columns=columns, rows=local, empty=no_rounds(words))


def weapons_table(rows: Sequence[WeaponUse], words: str) -> Table:
    """The weapons, most kills first."""
    columns = [
        output.text("weapon_name", "Weapon"),
        output.whole("kills", "Kills"),
        output.share("kill_share", "Share"),
        output.decimal("accuracy", "Acc %"),
        output.decimal("headshot_share", "HS %"),
        output.name("player_name", "Most by"),
        output.whole("player_kills", "Kills"),
    ]
    return Table(title=f"Weapons{words}", columns=columns, rows=rows, empty=no_rounds(words))


def record_lines(
    of_rounds: Sequence[RecordValue], of_sessions: Sequence[RecordValue], zone: tzinfo, *, by_map: bool
) -> list[RecordLine]:
    """Records in their own units: overall, of rounds and of sessions; or of rounds by map."""
    wanted = [("round", feat) for feat in of_rounds if (feat.map_name is not None) == by_map]
    wanted += [("session", feat) for feat in of_sessions if not by_map]
    return [
        RecordLine(
            span=span,
            map_name=feat.map_name,
            record=feat.record.replace("_", "-"),
            value=feat.value,
            unit=RECORDS[feat.record].unit,
            player_guid=feat.player_guid,
            player_name=feat.player_name,
            clean_name=feat.clean_name,
            played_on=feat.played_on,
            ended_at=feat.ended_at.astimezone(zone),
            id=feat.id,
        )
        for span, feat in wanted
    ]


def records_tables(lines: Sequence[RecordLine], words: str, style: Format, *, by_map: bool) -> list[Table]:
    """Records as tables; in CSV one, with plain numbers."""
    if style is Format.CSV:
        keys = (
            "span",
            "map_name",
            "record",
            "value",
            "unit",
            "player_guid",
            "clean_name",
            "played_on",
            "ended_at",
        )
        return [Table(title="", columns=[output.text(key, key) for key in keys], rows=lines, empty="")]
    columns = [
        *([output.text("map_name", "Map")] if by_map else []),
        output.text("record", "Record"),
        output.Column(key="value", heading="Value", justify="right"),
        output.name(),
        *([] if by_map else [output.text("played_on", "Map")]),
        output.day("ended_at", "When"),
    ]
    nothing = no_rounds(words)
    tables = [Table(title=f"In one round{words}", columns=columns, rows=_rows(lines, "round"), empty=nothing)]
    if not by_map and lines:
        columns = [column for column in columns if column.key != "played_on"]
        tables.append(
            Table(title=f"In one session{words}", columns=columns, rows=_rows(lines, "session"), empty="None yet.")
        )
    return tables


def _rows(lines: Sequence[RecordLine], span: str) -> list[_RecordRow]:
    return [
        _RecordRow(
            map_name=line.map_name,
            record=RECORDS[line.record.replace("-", "_")].heading,
            value=record_text(line.record.replace("-", "_"), line.value),
            player_name=line.player_name,
            played_on=line.played_on,
            ended_at=line.ended_at,
        )
        for line in lines
        if line.span == span
    ]
