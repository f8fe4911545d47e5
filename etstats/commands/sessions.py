"""session, sessions, round, rounds, awards, achievements: sessions and what happened in them."""

from typing import Annotated

import typer

from etstats.commands import options
from etstats.commands.option_groups import bundled

app = typer.Typer()
PANEL = "Read"
LIMIT = Annotated[int, typer.Option(min=1, metavar="N", help="The newest N.")]


@app.command("session", rich_help_panel=PANEL)
@bundled
def session(
    ctx: typer.Context,
    which: Annotated[
        str, typer.Argument(metavar="[last|ID|DATE]", help="The last one, its number, or its day: 2025-10-02.")
    ] = "last",
    *,
    server: options.SERVER = None,
    written: options.OutputFormat,
) -> int:
    """Show a session: score, maps with times, both line-ups, MVP, awards, records; --csv: the scoreboard alone.

    Example: etstats session 2025-10-02

    Exit codes: 0 done, 2 no such session (the nearest are named), 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables.sessions import nothing_played, session_tables
    from etstats.stats import lookup
    from etstats.stats import sessions as stats_sessions

    with options.RoundFilter(server=server).question(ctx) as asked:
        session_id = lookup.find_session(asked.conn, which, asked.scope.server)
        view = None if session_id is None else stats_sessions.session_view(asked.conn, session_id)
    if view is None:
        output.show(nothing_played(), written.style)
    elif written.style is output.Format.JSON:
        output.write_json(view)
    else:
        output.show_all(session_tables(view, written.style), written.style)
    return 0


@app.command("sessions", rich_help_panel=PANEL)
@bundled
def sessions(
    ctx: typer.Context,
    *,
    limit: LIMIT = 20,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """List the sessions, newest first: when, how long, maps, players, and the score of the line-ups.

    Example: etstats sessions --season 2025-Q4

    Exit codes: 0 done, 2 no such map, season or server, 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables.sessions import score
    from etstats.stats import sessions as stats_sessions

    with about.question(ctx) as asked:
        rows = stats_sessions.session_rows(asked.conn, asked.scope, limit)
    columns = [
        output.whole("id", "ID"),
        output.when("began", "Began"),
        output.clock("seconds", "Length"),
        output.Column(key="score", heading="A:B", text=score, justify="right"),
        output.whole("maps", "Maps"),
        output.whole("rounds", "Rounds"),
        output.whole("players", "Players"),
        output.text("server", "Server"),
    ]
    table = output.Table(
        title=f"Sessions{asked.words}", columns=columns, rows=rows, empty=_none_found("sessions", asked.words)
    )
    output.show(table, written.style)
    return 0


@app.command("round", rich_help_panel=PANEL)
@bundled
def round_(
    ctx: typer.Context,
    which: Annotated[
        str, typer.Argument(metavar="[last|ID]", help="The last one, its number, or its file's name.")
    ] = "last",
    *,
    server: options.SERVER = None,
    written: options.OutputFormat,
) -> int:
    """Show one round with the whole scoreboard of both sides.

    Example: etstats round 2025-10-02-232818-erdenberg_t2-round-2.txt

    Exit codes: 0 done, 2 no such round (the nearest are named), 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables.sessions import nothing_played, round_tables
    from etstats.stats import lookup
    from etstats.stats import sessions as stats_sessions

    with options.RoundFilter(server=server).question(ctx) as asked:
        round_id = lookup.find_round(asked.conn, which, asked.scope.server)
        view = None if round_id is None else stats_sessions.round_view(asked.conn, round_id)
    if view is None:
        output.show(nothing_played(), written.style)
    elif written.style is output.Format.JSON:
        output.write_json(view)
    else:
        output.show_all(round_tables(view, written.style), written.style)
    return 0


@app.command("rounds", rich_help_panel=PANEL)
@bundled
def rounds(
    ctx: typer.Context,
    *,
    limit: LIMIT = 20,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """List the rounds, newest first: map, times, and how each ended.

    Example: etstats rounds --map supply --last 3sessions

    Exit codes: 0 done, 2 no such map, season or server, 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables.sessions import SIDES
    from etstats.db import sessions as db_sessions

    with about.question(ctx) as asked:
        rows = db_sessions.recent_rounds(asked.conn, asked.scope, limit)
    words = asked.words
    columns = [
        output.whole("id", "ID"),
        output.when("stamp", "Ended"),
        output.text("map_name", "Map"),
        output.whole("round_number", "R"),
        output.clock("actual_time_seconds", "Time"),
        output.Column(key="outcome", heading="Outcome"),
        output.Column(key="winner_team", heading="Winner", text=lambda side: SIDES.get(side, "–")),
        output.clock("time_limit_seconds", "Limit"),
        output.whole("session_id", "Session"),
        output.text("server", "Server"),
    ]
    if written.style is not output.Format.TABLE:
        columns.append(output.text("filename", "File"))
    notes = (
        ["A round 2 without its round 1 holds both rounds together."] if any(r.is_cumulative for r in rows) else []
    )
    table = output.Table(
        title=f"Rounds{words}", columns=columns, rows=rows, empty=_none_found("rounds", words), notes=notes
    )
    output.show(table, written.style)
    return 0


@app.command("awards", rich_help_panel=PANEL)
@bundled
def awards(
    ctx: typer.Context,
    which: Annotated[
        str | None,
        typer.Argument(metavar="[last|ID|DATE]", help="Of one session; the last one when nothing else is asked."),
    ] = None,
    *,
    show_list: Annotated[bool, typer.Option("--list", help="What each award is for and what it takes.")] = False,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The first N players of each award.")] = 3,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Show the awards of one session, or who took which how often in many.

    Example: etstats awards --season 2025-Q4

    Exit codes: 0 done, 2 no such session, map, season or server, 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables.awards import award_counts_table, award_list_table, awards_table, no_awards
    from etstats.stats import awards as stats_awards
    from etstats.stats import lookup
    from etstats.stats import sessions as stats_sessions

    if show_list:
        output.show(award_list_table(), written.style)
        return 0
    many = about != options.RoundFilter(server=about.server)
    if many and which is not None:
        raise typer.BadParameter("name one session, or say which rounds; not both")
    with about.question(ctx) as asked:
        if many:
            table = award_counts_table(stats_awards.award_counts(asked.conn, asked.scope, limit), asked.words)
        else:
            session_id = lookup.find_session(asked.conn, which or "last", asked.scope.server)
            view = None if session_id is None else stats_sessions.session_view(asked.conn, session_id)
            table = no_awards() if view is None else awards_table(view)
    output.show(table, written.style)
    return 0


def _none_found(what: str, words: str) -> str:
    return f"No {what} found{words}. Without options all are listed." if words else options.no_rounds("")
