"""The tables of maps, weapons, records and seasons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from etstats import output
from etstats.commands.board_text import heading, record_text, value_text
from etstats.commands.options import no_rounds
from etstats.db.maps import Feat, MapSums, WeaponUse
from etstats.output import Format, Table
from etstats.reading.seasons import Season
from etstats.rules.boards import BOARDS
from etstats.rules.records import RECORDS
from etstats.rules.season import POINTS, SEASON_BOARDS


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _LeaderRow:
    """Who leads a board."""

    board: str
    value: str
    player_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _SeasonRow:
    """One season in a list."""

    season: str
    rounds: int
    maps: int
    sessions: int
    players: int
    champion: str | None
    points: int | None


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
    of_rounds: Sequence[Feat], of_sessions: Sequence[Feat], zone: tzinfo, *, by_map: bool
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


def season_tables(season: Season, words: str, limit: int) -> list[Table]:
    """A season's standings, and the leader of each board."""
    played = season.facts
    notes = [
        f"{_counted(played.maps, 'map')}, {_counted(played.rounds, 'round')}, "
        f"{_counted(played.sessions, 'session')}, {_counted(season.players, 'player')}.",
        f"Points: {', '.join(map(str, POINTS))} for the places on {', '.join(SEASON_BOARDS)}.",
    ]
    leaders = [
        _LeaderRow(
            board=heading(BOARDS[leader.board]),
            value=value_text(BOARDS[leader.board], leader.standing.value),
            player_name=leader.standing.player_name,
        )
        for leader in season.leaders
    ]
    return [
        Table(
            title=f"Season {season.season}{words}",
            columns=_standing_columns(),
            rows=season.standings[:limit],
            empty=f"Season {season.season}{words}: nobody played enough to be ranked.",
            notes=notes,
        ),
        Table(
            title="Leaders",
            columns=[
                output.text("board", "Board"),
                output.name(),
                output.Column(key="value", heading="Value", justify="right"),
            ],
            rows=leaders,
            empty="No board has a leader yet.",
        ),
    ]


def seasons_table(seasons: Sequence[Season], words: str) -> Table:
    """The seasons, newest first, each with its champion; the newest is still open."""
    rows = [
        _SeasonRow(
            season=season.season,
            rounds=season.facts.rounds,
            maps=season.facts.maps,
            sessions=season.facts.sessions,
            players=season.players,
            champion=season.champions[0].player_name if season.champions else None,
            points=season.champions[0].points if season.champions else None,
        )
        for season in seasons
    ]
    columns = [
        output.text("season", "Season"),
        output.whole("rounds", "Rounds"),
        output.whole("sessions", "Sessions"),
        output.whole("players", "Players"),
        output.name("champion", "Champion"),
        output.whole("points", "Points"),
    ]
    return Table(title=f"Seasons{words}", columns=columns, rows=rows, empty="")


def no_season(which: str | None, words: str) -> Table:
    """What is shown when nothing was played."""
    season = f" · {which.upper()}" if which else ""
    return Table(title="Seasons", columns=_standing_columns(), rows=[], empty=no_rounds(season + words))


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _standing_columns() -> list[output.Column]:
    return [
        output.whole("rank", "#"),
        output.name(),
        output.whole("points", "Points"),
        output.whole("boards_led", "Boards led"),
        output.whole("rounds", "Rounds"),
    ]


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
