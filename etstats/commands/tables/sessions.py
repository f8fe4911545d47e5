"""Tables of one session and of one round."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from etstats import output
from etstats.commands.options import no_rounds
from etstats.commands.tables.awards import awards_table, hidden_note
from etstats.domain.stats import ScoreLine
from etstats.domain.text import pluralize
from etstats.domain.views import MapResult, RoundView, SessionView, TeamTotal
from etstats.output import Column, Format, Table

SIDES = {0: output.NOTHING, 1: "Axis", 2: "Allies", 3: "Spectators"}
_LETTERS = {0: output.NOTHING, 1: "A", 2: "B"}
LINE_UPS = {0: output.NOTHING, 1: "Team A", 2: "Team B"}


class _MapRow(NamedTuple):
    """A map of a session as a row of the timeline."""

    began: datetime
    map_name: str
    round1: str | None
    round2: str | None
    winner: str
    points: str | None
    score: str


_MAP_COLUMNS = (
    output.Column(key="began", heading="Began", text="{:%H:%M}".format),
    output.text("map_name", "Map"),
)
_STOPWATCH_COLUMNS = (
    *_MAP_COLUMNS,
    output.Column(key="round1", heading="Round 1"),
    output.Column(key="round2", heading="Round 2"),
    output.Column(key="score", heading="Score", justify="right"),
    output.Column(key="winner", heading="Won by"),
    output.Column(key="points", heading="A:B", justify="right"),
)
_SINGLE_ROUND_COLUMNS = (
    *_MAP_COLUMNS,
    output.Column(key="round2", heading="Result"),
    output.Column(key="winner", heading="Won by"),
)


def session_tables(view: SessionView, style: Format, zone: ZoneInfo) -> list[Table]:
    """Return the timeline, scoreboards, awards and broken records; for CSV only the scoreboard."""
    if style is output.Format.CSV:
        return [_scoreboard("Scoreboard", view.players, style, team=LINE_UPS)]
    length = output.minutes_seconds((view.ended_at - view.started_at).total_seconds())
    title = (
        f"Session {view.id} · {output.printable(view.server)} · {output.server_time(view.began, zone)} · {length}"
    )
    if not any(round_.is_counted for round_ in view.rounds):
        title += "\nNo round of this session counts in boards, ratings or posts."
    tables = _series_tables(view, title)
    names = {0: output.NOTHING, 1: output.printable(view.team_names[0]), 2: output.printable(view.team_names[1])}
    tables += _team_tables(view.players, view.line_ups, names, style)
    tables.append(awards_table(view, zone))
    if view.records:
        tables.append(
            output.Table(
                title="Records",
                columns=[
                    output.Column(
                        key="is_all_time", heading="Of", text=lambda all_time: "all time" if all_time else "own"
                    ),
                    output.text("title", "Most"),
                    output.name(),
                    output.whole("value", "Now"),
                    output.whole("before", "Before"),
                ],
                rows=view.records,
                empty="",
            )
        )
    if view.milestones:
        tables.append(
            output.Table(
                title="Achievements reached",
                columns=[
                    output.text("title", "Achievement"),
                    output.name(),
                    output.whole("threshold", "Reached"),
                    output.text("unit", ""),
                ],
                rows=view.milestones,
                empty="",
            )
        )
    return tables


def _series_tables(view: SessionView, title: str) -> list[Table]:
    """Return a timeline for each series; maps without a series last."""
    tables: list[Table] = []
    is_stopwatch = any(round_.stopwatch for round_ in view.rounds)
    for one in (*view.series, None):
        number = one.number if one else 0
        names = LINE_UPS | ({1: output.printable(one.team1), 2: output.printable(one.team2)} if one else {})
        rows = [
            _MapRow(
                began=played.began,
                map_name=played.map_name,
                round1=_ending(played, 1),
                round2=_ending(played, 2) if is_stopwatch else _ending(played, played.rounds[-1].round_number),
                winner=_LETTERS[played.winner] if played.winner or played.score is None else "draw",
                points=score(played.score),
                score=score(after),
            )
            for played, after in zip(view.maps, view.scores_after, strict=True)
            if played.series == number
        ]
        if not rows and not (one is None and not tables):
            continue
        head = f"{_lettered(names[1], 'A')} {score(one.score)} {_lettered(names[2], 'B')}" if one else ""
        if one and len(view.series) > 1:
            head = f"Series {number}: {head}" + (
                f" · MVP {output.printable(one.mvp.clean_name)}" if one.mvp else ""
            )
        tables.append(
            output.Table(
                title="\n".join(filter(None, ("" if tables else title, head or "Maps without a series"))),
                columns=_STOPWATCH_COLUMNS if is_stopwatch else _SINGLE_ROUND_COLUMNS,
                rows=rows,
                empty="",
            )
        )
    return tables


def _lettered(name: str, letter: str) -> str:
    """Return a team's name with its letter in the table, unless the name contains it."""
    return name if name == LINE_UPS[1 + "AB".index(letter)] else f"{name} ({letter})"


def nothing_played() -> Table:
    """Return the empty table if there is no session or round; for CSV the headings of the scoreboard."""
    return replace(_scoreboard("", (), Format.CSV, team=LINE_UPS), empty=no_rounds(""))


def round_tables(view: RoundView, style: Format, zone: ZoneInfo) -> list[Table]:
    """Return the scoreboards of both sides; for CSV one table."""
    if style is output.Format.CSV:
        return [_scoreboard("Scoreboard", view.players, style, team=SIDES)]
    round_ = view.round
    tables = _team_tables(view.players, view.sides, SIDES, style)
    notes = [
        f"{round_.filename} · session {round_.session_id} · config {output.printable(round_.config)}",
        *hidden_note(view.hidden),
    ]
    if view.mvp is not None:
        notes.insert(
            0, f"MVP: {output.printable(view.mvp.clean_name)}, score {view.mvp.rating:.2f} (1 is the average)"
        )
    if round_.is_cumulative:
        notes.append("Round 1 is missing: these numbers include both rounds.")
    if round_.bots or round_.anonymous:
        notes.append(
            f"Not shown: {pluralize(round_.bots, 'bot')}, {pluralize(round_.anonymous, 'player')} without a GUID."
        )
    if not round_.is_counted:
        notes.append("This round does not count in boards, ratings or posts.")
    outcome = "held the set time" if round_.held == "set_time" else round_.outcome
    winner = f"{SIDES[round_.winner_team]} won" if round_.winner_team else "no winner recorded"
    time = (
        output.NOTHING
        if round_.actual_time_seconds is None
        else output.minutes_seconds(round_.actual_time_seconds)
    )
    title = (
        f"Round {round_.id} · {output.printable(round_.server)} · {output.server_time(round_.stamp, zone)} · "
        f"{round_.map_name} round {round_.round_number}\n"
        f"{winner} · {outcome} · {time} of {output.minutes_seconds(round_.time_limit_seconds)} · "
        f"{SIDES[round_.defender_team]} defended\n\n{tables[0].title}"
    )
    tables[0] = replace(tables[0], title=title)
    tables[-1] = replace(tables[-1], notes=[*tables[-1].notes, *notes])
    return tables


def _team_tables(
    players: Sequence[ScoreLine], totals: Sequence[TeamTotal], names: dict[int, str], style: Format
) -> list[Table]:
    """Return a scoreboard per team with its totals; players without a team last."""
    tables = []
    others = [player for player in players if player.team not in (1, 2)]
    for total in totals:
        if others and not total.players:
            continue
        note = (
            f"{pluralize(total.players, 'player')}: {total.kills:,} kills, {total.deaths:,} deaths, "
            f"{total.damage_given:,} damage given, {total.damage_received:,} received"
        )
        own = [player for player in players if player.team == total.team]
        tables.append(_scoreboard(names[total.team], own, style, notes=[note]))
    return [*tables, _scoreboard("Neither side", others, style)] if others else tables


def _scoreboard(
    title: str,
    players: Sequence[ScoreLine],
    style: Format,
    *,
    notes: Sequence[str] = (),
    team: dict[int, str] | None = None,
) -> Table:
    """Return the columns, most useful first; for CSV all of them."""
    columns = [
        output.name(),
        output.whole("kills", "Kills"),
        output.whole("deaths", "Deaths"),
        output.decimal("kd_ratio", "K/D", 2),
        output.whole("damage_given", "Damage"),
        output.whole("dpm", "DPM"),
        output.whole("revives_given", "Revives"),
    ]
    more = [
        output.whole("damage_received", "Received"),
        output.decimal("accuracy", "Acc %"),
        output.decimal("hs_percent", "HS %"),
        output.whole("gibs", "Gibs"),
        output.clock("time_played_seconds", "Played"),
    ]
    most = [
        output.whole("kill_assists", "Assists"),
        output.whole("most_useful_kills", "Useful"),
        output.clock("time_dead_seconds", "Dead"),
        output.clock("denied_playtime", "Denied"),
    ]
    columns += [*more, *most]
    if style is output.Format.CSV:
        columns += _everything_else(columns)
    if team is not None:
        columns.insert(0, output.Column(key="team", heading="Team", text=lambda number: team[number]))
    return output.Table(title=title, columns=columns, rows=players, empty="No visible players.", notes=notes)


def _everything_else(columns: Sequence[Column]) -> list[Column]:
    """Return a column for each value of a scoreboard without a column yet."""
    taken = {
        "player_name",
        "clean_name",
        "team",
        "is_hidden",
        "time_dead_ratio",
        *(column.key for column in columns),
    }
    of: dict[str, Callable[[str, str], Column]] = {"player_guid": output.text, "efficiency": output.decimal}
    return [of.get(name, output.whole)(name, name) for name in ScoreLine._fields if name not in taken]


def _ending(match: MapResult, number: int) -> str | None:
    """Return `A 5:18` (team A attacked successfully in that time) or `B held 10:00` (team B held to the end)."""
    played = next((round_ for round_ in match.rounds if round_.round_number == number), None)
    if played is None:
        return None
    seconds = played.actual_time_seconds
    time = output.NOTHING if seconds is None else output.minutes_seconds(seconds)
    attackers, defenders = "?AB"[played.attackers], "?BA"[played.attackers]
    return {
        "completed": f"{attackers} {time}",
        "fullhold": f"{defenders} held {time}",
        "surrender": f"{attackers} gave up {time}",
    }.get(played.outcome, f"{attackers} ? {time}")


def score(points: tuple[int, int] | None) -> str:
    """Return `8:10`, or `–` without a score."""
    return output.NOTHING if points is None else f"{points[0]}:{points[1]}"
