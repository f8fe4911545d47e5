"""The tables of one session and of one round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from etstats import output
from etstats.commands.options import no_rounds
from etstats.commands.tables.awards import awards_table, hidden_note
from etstats.domain.stats import ScoreLine
from etstats.domain.views import MapResult, RoundView, SessionView, TeamTotal
from etstats.output import Column, Format, Table

SIDES = {0: output.NOTHING, 1: "Axis", 2: "Allies", 3: "Spectators"}
LINE_UPS = {0: output.NOTHING, 1: "Team A", 2: "Team B"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _MapRow:
    """One map of a session as a line of its timeline."""

    began: datetime
    map_name: str
    round1: str | None
    round2: str | None
    winner: str
    points: str | None
    score: str


def session_tables(view: SessionView, style: Format) -> list[Table]:
    """Timeline, scoreboards, awards, and what fell; in CSV the scoreboard alone."""
    if style is output.Format.CSV:
        return [_scoreboard("Scoreboard", view.players, style, team=LINE_UPS)]
    rows = [
        _MapRow(
            began=m.began,
            map_name=m.map_name,
            round1=_ending(m, 1),
            round2=_ending(m, 2),
            winner=LINE_UPS[m.winner] if m.winner or m.score is None else "draw",
            points=None if m.score is None else score(m.score),
            score=score(after),
        )
        for m, after in zip(view.maps, view.scores_after, strict=True)
    ]
    length = output.minutes_seconds((view.ended_at - view.started_at).total_seconds())
    title = (
        f"Session {view.id} · {output.printable(view.server)} · {output.moment(view.began)} · {length}\n"
        f"Team A {score(view.score)} Team B"
    )
    tables = [
        output.Table(
            title=title,
            columns=[
                output.Column(key="began", heading="Began", text="{:%H:%M}".format),
                output.text("map_name", "Map"),
                output.Column(key="round1", heading="Round 1"),
                output.Column(key="round2", heading="Round 2"),
                output.Column(key="score", heading="Score", justify="right"),
                output.Column(key="winner", heading="Won by"),
                output.Column(key="points", heading="A:B", justify="right"),
            ],
            rows=rows,
            empty="",
        )
    ]
    tables += _team_tables(view.players, view.line_ups, LINE_UPS, style)
    tables.append(awards_table(view))
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


def nothing_played() -> Table:
    """What stands in the place of a session, or a round, when there is none; in CSV the scoreboard's headings."""
    return replace(_scoreboard("", (), Format.CSV, team=LINE_UPS), empty=no_rounds(""))


def round_tables(view: RoundView, style: Format) -> list[Table]:
    """The scoreboards of both sides; in CSV one."""
    if style is output.Format.CSV:
        return [_scoreboard("Scoreboard", view.players, style, team=SIDES)]
    r = view.round
    tables = _team_tables(view.players, view.sides, SIDES, style)
    notes = [
        f"{r.filename} · session {r.session_id} · config {output.printable(r.config)}",
        *hidden_note(view.hidden),
    ]
    if view.mvp is not None:
        notes.insert(
            0, f"MVP: {output.printable(view.mvp.clean_name)}, rated {view.mvp.rating:.2f} (1 is the average)"
        )
    if r.is_cumulative:
        notes.append("Round 1 is missing: these numbers are both rounds together.")
    winner = f"{SIDES[r.winner_team]} won" if r.winner_team else "no winner recorded"
    time = output.NOTHING if r.actual_time_seconds is None else output.minutes_seconds(r.actual_time_seconds)
    title = (
        f"Round {r.id} · {output.printable(r.server)} · {output.moment(r.stamp)} · "
        f"{r.map_name} round {r.round_number}\n"
        f"{winner} · {r.outcome} · {time} of {output.minutes_seconds(r.time_limit_seconds)} · "
        f"{SIDES[r.defender_team]} defended\n\n{tables[0].title}"
    )
    tables[0] = replace(tables[0], title=title)
    tables[-1] = replace(tables[-1], notes=[*tables[-1].notes, *notes])
    return tables


def _team_tables(
    players: Sequence[ScoreLine], totals: Sequence[TeamTotal], names: dict[int, str], style: Format
) -> list[Table]:
    """A scoreboard a team, with the team's totals under it; those of neither team last, if there are any."""
    tables = []
    for total in totals:
        note = (
            f"{total.players} players: {total.kills:,} kills, {total.deaths:,} deaths, "
            f"{total.damage_given:,} damage given, {total.damage_received:,} received"
        )
        own = [p for p in players if p.team == total.team]
        tables.append(_scoreboard(names[total.team], own, style, notes=[note]))
    others = [p for p in players if p.team not in (1, 2)]
    return [*tables, _scoreboard("Neither side", others, style)] if others else tables


def _scoreboard(
    title: str,
    players: Sequence[ScoreLine],
    style: Format,
    *,
    notes: Sequence[str] = (),
    team: dict[int, str] | None = None,
) -> Table:
    """The columns that people look for, the more telling first; in CSV all there are."""
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
    return output.Table(title=title, columns=columns, rows=players, empty="Nobody who is shown.", notes=notes)


def _everything_else(columns: Sequence[Column]) -> list[Column]:
    """Return a column for each value of a scoreboard that has none yet."""
    taken = {"player_name", "clean_name", "team", "is_hidden", "time_dead_ratio", *(c.key for c in columns)}
    of: dict[str, Callable[[str, str], Column]] = {"player_guid": output.text, "efficiency": output.decimal}
    return [of.get(name, output.whole)(name, name) for name in ScoreLine._fields if name not in taken]


def _ending(m: MapResult, number: int) -> str | None:
    """`A 5:18`: team A attacked and made it in that time; `B held 10:00`: team B defended to the end."""
    played = next((r for r in m.rounds if r.round_number == number), None)
    if played is None:
        return None
    seconds = played.actual_time_seconds if played.outcome != "surrender" else played.played_seconds
    time = "?:??" if seconds is None else output.minutes_seconds(seconds)
    attackers = "AB"[played.attackers - 1]
    defenders = "BA"[played.attackers - 1]
    return {
        "completed": f"{attackers} {time}",
        "fullhold": f"{defenders} held {time}",
        "surrender": f"{attackers} gave up {time}",
    }.get(played.outcome, f"{attackers} ? {time}")


def score(points: tuple[int, int]) -> str:
    """`8:10`."""
    return f"{points[0]}:{points[1]}"
