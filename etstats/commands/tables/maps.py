"""Tables of maps, weapons and records."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from etstats import output
from etstats.commands.options import no_rounds
from etstats.commands.tables.formatting import record_text
from etstats.db.maps import MapSums, RecordValue, WeaponUse
from etstats.domain.names import clean_name
from etstats.domain.rules.records import RECORDS
from etstats.domain.rules.set_time import SetTimePrediction
from etstats.domain.text import pluralize
from etstats.output import Column, Format, Table
from etstats.stats.set_times import MapReport


class RecordLine(NamedTuple):
    """A record to show; `span` is round or session, `map_name` None means all maps."""

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


class _RecordRow(NamedTuple):
    """A record as a table row."""

    map_name: str | None
    record: str
    value: str
    player_name: str
    played_on: str | None
    ended_at: datetime


def maps_table(rows: Sequence[MapSums], words: str, zone: tzinfo) -> Table:
    """Return the table of maps, most played first."""
    columns = [
        output.text("map_name", "Map", least=22, importance=1),
        output.whole("times_played", "Played"),
        output.share("attack_share", "Attack won"),
        output.clock("average_attack_seconds", "Avg time"),
        output.clock("best_attack_seconds", "Best"),
        output.whole("limit_holds", "Full holds"),
        output.whole("set_time_holds", "Set time held"),
        output.day("last_played", "Last"),
    ]
    local = [row._replace(last_played=row.last_played.astimezone(zone)) for row in rows]
    return Table(title=f"Maps{words}", columns=columns, rows=local, empty=no_rounds(words))


def map_document(
    report: MapReport | None, seconds: int | None, chance: SetTimePrediction | None
) -> dict[str, object] | list[object]:
    """Return one map as JSON; [] if it was not played."""
    if report is None:
        return []
    asked = None if chance is None else {"seconds": seconds, **chance._asdict()}
    return {**report._asdict(), "asked": asked}


def map_tables(
    report: MapReport | None,
    seconds: int | None,
    chance: SetTimePrediction | None,
    words: str,
    zone: tzinfo,
    style: Format,
) -> list[Table]:
    """Return the tables of one map: its numbers, the fastest attacks, and set time predictions."""
    columns = [
        output.clock("seconds", "Time"),
        output.day("ended_at", "When"),
        output.whole("round_number", "Round"),
        Column(key="player_names", heading="Attackers", text=_line_up, shrinks=style is Format.TABLE),
    ]
    if report is None:
        return [Table(title="", columns=columns, rows=[], empty=no_rounds(words))]
    local = [attack._replace(ended_at=attack.ended_at.astimezone(zone)) for attack in report.fastest]
    fastest = Table(
        title=f"Fastest attacks{words}",
        columns=columns,
        rows=local,
        empty=f"No successful attacks{words}.",
        notes=_map_notes(report, seconds, chance),
    )
    return [fastest] if style is Format.CSV else [maps_table([report.sums], words, zone), fastest]


def _line_up(names: Sequence[str]) -> str:
    return ", ".join(clean_name(name) or "(no name)" for name in names)


def _map_notes(report: MapReport, seconds: int | None, chance: SetTimePrediction | None) -> list[str]:
    notes = []
    first = report.attack_first
    if first.win_share is not None:
        notes.append(
            f"The team that attacks first won {first.won:,}, drew {first.drawn:,} and lost {first.lost:,} of "
            f"{pluralize(first.matches, 'map')} ({first.win_share:.0%})."
        )
    if report.quartiles:
        times = ", ".join(
            f"{time.share:.0%} within {output.minutes_seconds(time.seconds)}" for time in report.quartiles
        )
        notes.append(f"Attacks succeed: {times}.")
    if report.set_time.hit_rate is not None:
        notes.append(
            f"Set times: {pluralize(report.set_time.predictions, 'prediction')} from earlier attacks and ratings, "
            f"{report.set_time.hit_rate:.0%} right; beaten {report.set_time.beaten_share:.0%}."
        )
    if seconds is not None and chance is not None:
        notes.append(
            f"A set time of {output.minutes_seconds(seconds)} is beaten by even teams with {chance.chance:.0%} "
            f"({pluralize(chance.attacks, 'earlier attack')})."
        )
    return notes


def weapons_table(rows: Sequence[WeaponUse], words: str) -> Table:
    """Return the table of weapons, most kills first."""
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
    """Return the records with their units: overall, of rounds and of sessions; or of rounds by map."""
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
    """Return the records as tables; for CSV one table with plain numbers."""
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
