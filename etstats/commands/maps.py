"""maps, weapons, records, season: what was played, with what, and what was best."""

from typing import Annotated

import typer

from etstats.commands import completion, options
from etstats.commands.option_groups import bundled

app = typer.Typer()
PANEL = "Read"


@app.command("maps", rich_help_panel=PANEL)
@bundled
def maps(
    ctx: typer.Context,
    *,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """List the maps: times played, attack success, average and best attack time, full holds.

    Example: etstats maps --season 2025-Q4

    Exit codes: 0 done, 2 no such map, season or server, 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables.maps import maps_table
    from etstats.db import maps as stored

    with about.question(ctx) as asked:
        rows = stored.maps(asked.conn, asked.scope)
    output.show(maps_table(rows, asked.words, asked.zone), written.style)
    return 0


@app.command("weapons", rich_help_panel=PANEL)
@bundled
def weapons(
    ctx: typer.Context,
    *,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """List the weapons: kills and their share, accuracy, headshots, and who kills most with each.

    Example: etstats weapons --map supply

    Exit codes: 0 done, 2 no such map, season or server, 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables.maps import weapons_table
    from etstats.db import maps as stored

    with about.question(ctx) as asked:
        rows = stored.weapons(asked.conn, asked.scope)
    output.show(weapons_table(rows, asked.words), written.style)
    return 0


@app.command("records", rich_help_panel=PANEL)
@bundled
def records(
    ctx: typer.Context,
    *,
    by_map: Annotated[bool, typer.Option("--by-map", help="The records of every map.")] = False,
    player: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One player's own.", autocompletion=completion.players),
    ] = None,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Show the records of single rounds and of whole sessions; numbers that cannot be true hold none.

    Example: etstats records --map supply

    Exit codes: 0 done, 2 no such map, season, server or player, 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables.maps import record_lines, records_tables
    from etstats.db import maps as stored
    from etstats.domain.rules.bests import DPM_SECONDS
    from etstats.domain.rules.records import ACCURACY_SHOTS, SESSION_DPM_SECONDS

    with about.question(ctx) as asked:
        guid = None if player is None else options.player(asked.conn, player)
        of_rounds = stored.round_records(
            asked.conn, asked.scope, dpm_seconds=DPM_SECONDS, accuracy_shots=ACCURACY_SHOTS, guid=guid
        )
        of_sessions = stored.session_records(asked.conn, asked.scope, dpm_seconds=SESSION_DPM_SECONDS, guid=guid)
    lines = record_lines(of_rounds, of_sessions, asked.zone, by_map=by_map)
    if written.style is output.Format.JSON:
        output.write_json(lines)
    else:
        output.show_all(records_tables(lines, asked.words, written.style, by_map=by_map), written.style)
    return 0


@app.command("season", rich_help_panel=PANEL)
@bundled
def season(
    ctx: typer.Context,
    which: Annotated[
        str | None,
        typer.Argument(metavar="YYYY-QN", help="A quarter; none: the newest.", autocompletion=completion.seasons),
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The first N places.")] = 10,
    map_name: options.MAP = None,
    server: options.SERVER = None,
    written: options.OutputFormat,
) -> int:
    """Show a season's standings and the leader of each board; alone, the newest one and the last champions.

    Example: etstats season 2025-Q4

    Exit codes: 0 done, 2 no such season, map or server, 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables.seasons import no_season, season_tables, seasons_table
    from etstats.stats import seasons

    with options.RoundFilter(map_name=map_name, server=server).question(ctx) as asked:
        found = seasons.seasons(asked.conn, asked.scope, asked.zone, which)
    if written.style is output.Format.JSON:
        output.write_json(found)
    elif not found:
        output.show(no_season(which, asked.words), written.style)
    else:
        tables = season_tables(found[0], asked.words, limit, written.style)
        if which is None and written.style is not output.Format.CSV:
            tables.append(seasons_table(found, asked.words))
        output.show_all(tables, written.style)
    return 0
