"""session, sessions, round, rounds, awards."""

from dataclasses import replace
from typing import Annotated

import typer

from etstats import output
from etstats.commands import options
from etstats.commands.option_groups import bundled
from etstats.commands.tables.awards import award_counts_table, award_list_table, awards_table, no_awards
from etstats.commands.tables.sessions import SIDES, nothing_played, round_tables, score, session_tables
from etstats.db import sessions as db_sessions
from etstats.stats import awards as stats_awards
from etstats.stats import lookup
from etstats.stats import sessions as stats_sessions

app = typer.Typer()
_YES_NO = {True: "yes", False: "no"}
LIMIT = Annotated[int, typer.Option(min=1, metavar="N", help="Number of rows.")]
ALL = Annotated[
    bool,
    typer.Option(
        "--all", "--bots", help="Include rounds that do not count: bots, voided.", rich_help_panel="Which rounds"
    ),
]


@app.command("session")
@bundled
def session(
    ctx: typer.Context,
    which: Annotated[
        str,
        typer.Argument(
            metavar="[last|yesterday|ID|DATE]", help="last, yesterday, an id, or a day such as 2025-10-02."
        ),
    ] = "last",
    *,
    server: options.SERVER = None,
    written: options.OutputFormat,
) -> int:
    """Show a session: score, maps, teams, MVP, awards, records.

    --csv writes only the scoreboard.

    Example: etstats session 2025-10-02

    Exit codes: 0 done, 2 no such session (the nearest are listed), 75 the database is down.
    """
    with options.RoundFilter(server=server).question(ctx) as asked:
        session_id = lookup.find_session(asked.conn, which, asked.scope.server)
        view = None if session_id is None else stats_sessions.session_view(asked.conn, session_id)
    if view is None:
        output.show(nothing_played(), written.style)
    elif written.style is output.Format.JSON:
        output.write_json(view)
    else:
        output.show_all(session_tables(view, written.style, options.server_zone(ctx, view.server)), written.style)
    return 0


@app.command("sessions")
@bundled
def sessions(
    ctx: typer.Context,
    *,
    limit: LIMIT = 20,
    uncounted: ALL = False,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """List the sessions, newest first.

    Example: etstats sessions --season 2025-Q4

    Exit codes: 0 done, 2 no such map, season or server, 75 the database is down.
    """
    with about.question(ctx) as asked:
        rows = stats_sessions.session_rows(asked.conn, replace(asked.scope, uncounted=uncounted), limit)
        empty = "" if rows else _none_found("sessions", asked, uncounted=uncounted)
    columns = [
        output.whole("id", "ID"),
        output.when("began", "Began"),
        output.clock("seconds", "Length"),
        output.Column(key="score", heading="A:B", text=score, justify="right"),
        output.whole("maps", "Maps"),
        output.whole("rounds", "Rounds"),
        output.whole("players", "Players"),
        output.Column(key="team_names", heading="Teams", text=_versus, shrinks=True, least=24, importance=1),
        output.text("server", "Server"),
    ]
    zone = options.server_zones(ctx, {row.server for row in rows})
    table = output.Table(title=f"Sessions{asked.words}", columns=columns, rows=rows, empty=empty, zone=zone)
    output.show(table, written.style)
    return 0


@app.command("round")
@bundled
def round_(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="[last|ID]", help="last, an id, or a file name.")] = "last",
    *,
    server: options.SERVER = None,
    written: options.OutputFormat,
) -> int:
    """Show one round with the scoreboards of both sides.

    Example: etstats round 2025-10-02-232818-erdenberg_t2-round-2.txt

    Exit codes: 0 done, 2 no such round (the nearest are listed), 75 the database is down.
    """
    with options.RoundFilter(server=server).question(ctx) as asked:
        round_id = lookup.find_round(asked.conn, which, asked.scope.server)
        view = None if round_id is None else stats_sessions.round_view(asked.conn, round_id)
    if view is None:
        output.show(nothing_played(), written.style)
    elif written.style is output.Format.JSON:
        output.write_json(view)
    else:
        output.show_all(
            round_tables(view, written.style, options.server_zone(ctx, view.round.server)), written.style
        )
    return 0


@app.command("rounds")
@bundled
def rounds(
    ctx: typer.Context,
    *,
    limit: LIMIT = 20,
    uncounted: ALL = False,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """List the rounds, newest first.

    Example: etstats rounds --map supply --last 3sessions

    Exit codes: 0 done, 2 no such map, season or server, 75 the database is down.
    """
    with about.question(ctx) as asked:
        rows = db_sessions.recent_rounds(asked.conn, replace(asked.scope, uncounted=uncounted), limit)
        empty = "" if rows else _none_found("rounds", asked, uncounted=uncounted)
    words = asked.words
    columns = [
        output.whole("id", "ID"),
        output.when("stamp", "Ended"),
        output.text("map_name", "Map", least=20, importance=1),
        output.whole("round_number", "R"),
        output.clock("actual_time_seconds", "Time"),
        output.Column(key="outcome", heading="Outcome"),
        output.Column(key="winner_team", heading="Winner", text=lambda side: SIDES.get(side, "–")),
        output.clock("time_limit_seconds", "Limit"),
        output.whole("session_id", "Session"),
        output.text("server", "Server"),
    ]
    if uncounted:  # placed before the columns that a narrow terminal drops
        counts = output.Column(key="is_counted", heading="Counts", text=lambda is_counted: _YES_NO[is_counted])
        columns[4:4] = [output.whole("bots", "Bots"), counts]
    if written.style is not output.Format.TABLE:
        columns.append(output.text("filename", "File"))
    notes = (
        ["A round 2 without its round 1 includes both rounds."] if any(row.is_cumulative for row in rows) else []
    )
    zone = options.server_zones(ctx, {row.server for row in rows})
    table = output.Table(title=f"Rounds{words}", columns=columns, rows=rows, empty=empty, notes=notes, zone=zone)
    output.show(table, written.style)
    return 0


@app.command("awards")
@bundled
def awards(
    ctx: typer.Context,
    which: Annotated[
        str | None,
        typer.Argument(metavar="[last|ID|DATE]", help="One session: last, an id, or a day."),
    ] = None,
    *,
    show_list: Annotated[bool, typer.Option("--list", help="List the awards and their rules.")] = False,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Number of players per award.")] = 3,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Show the awards of a session, or count them over many.

    Example: etstats awards --season 2025-Q4

    Exit codes: 0 done, 2 no such session, map, season or server, 75 the database is down.
    """
    if show_list:
        output.show(award_list_table(), written.style)
        return 0
    many = about != options.RoundFilter(server=about.server)
    if many and which is not None:
        raise typer.BadParameter("use either a session or the options that select rounds, not both")
    with about.question(ctx) as asked:
        if many:
            table = award_counts_table(stats_awards.award_counts(asked.conn, asked.scope, limit), asked.words)
        else:
            session_id = lookup.find_session(asked.conn, which or "last", asked.scope.server)
            view = None if session_id is None else stats_sessions.session_view(asked.conn, session_id)
            table = no_awards() if view is None else awards_table(view, options.server_zone(ctx, view.server))
    output.show(table, written.style)
    return 0


def _versus(names: tuple[str, str]) -> str:
    return f"{output.printable(names[0])} – {output.printable(names[1])}"


def _none_found(what: str, asked: options.Question, *, uncounted: bool) -> str:
    """Report an empty list; if only rounds that do not count exist, name the option that lists them."""
    if not uncounted and db_sessions.recent_rounds(asked.conn, replace(asked.scope, uncounted=True), 1):
        return f"No {what} that count{asked.words}. To list all: etstats {what} --all"
    if asked.words:
        return f"No {what} found{asked.words}. Without options all are listed."
    return options.no_rounds("")
