"""maps, weapons, records, season: what was played, with what, and what was best."""

from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands import completion, options
from etstats.commands.context import context_of

if TYPE_CHECKING:
    from etstats.db.connection import Connection
    from etstats.settings import Config

app = typer.Typer()
PANEL = "Read"
SEASONS_LISTED = 8


@app.command("maps", rich_help_panel=PANEL)
def maps(
    ctx: typer.Context,
    *,
    since: options.SINCE = None,
    until: options.UNTIL = None,
    season: options.SEASON = None,
    map_name: options.MAP = None,
    server: options.SERVER = None,
    last: options.LAST = None,
    as_json: options.JSON = False,
    as_csv: options.CSV = False,
    as_markdown: options.MARKDOWN = False,
) -> int:
    """List the maps: times played, attack success, average and best attack time, full holds.

    Example: etstats maps --season 2025-Q4

    Exit codes: 0 done, 2 no such map, season or server, 75 the base is down.
    """
    from etstats import output
    from etstats.base import open_for_reading
    from etstats.commands.map_tables import maps_table
    from etstats.db import maps as stored

    style = options.style(as_json, as_csv, as_markdown)
    config = context_of(ctx).config
    with open_for_reading(config) as conn:
        scope = options.scope(
            conn, config, since=since, until=until, season=season, map_name=map_name, server=server, last=last
        )
        rows = stored.maps(conn, scope)
    words = options.in_words(scope, since=since, until=until, season=season, last=last)
    output.show(maps_table(rows, words, options.zone_of(config, scope.server)), style)
    return 0


@app.command("weapons", rich_help_panel=PANEL)
def weapons(
    ctx: typer.Context,
    *,
    since: options.SINCE = None,
    until: options.UNTIL = None,
    season: options.SEASON = None,
    map_name: options.MAP = None,
    server: options.SERVER = None,
    last: options.LAST = None,
    as_json: options.JSON = False,
    as_csv: options.CSV = False,
    as_markdown: options.MARKDOWN = False,
) -> int:
    """List the weapons: kills and their share, accuracy, headshots, and who kills most with each.

    Example: etstats weapons --map supply

    Exit codes: 0 done, 2 no such map, season or server, 75 the base is down.
    """
    from etstats import output
    from etstats.base import open_for_reading
    from etstats.commands.map_tables import weapons_table
    from etstats.db import maps as stored

    style = options.style(as_json, as_csv, as_markdown)
    config = context_of(ctx).config
    with open_for_reading(config) as conn:
        scope = options.scope(
            conn, config, since=since, until=until, season=season, map_name=map_name, server=server, last=last
        )
        rows = stored.weapons(conn, scope)
    words = options.in_words(scope, since=since, until=until, season=season, last=last)
    output.show(weapons_table(rows, words), style)
    return 0


@app.command("records", rich_help_panel=PANEL)
def records(
    ctx: typer.Context,
    *,
    by_map: Annotated[bool, typer.Option("--by-map", help="The records of every map.")] = False,
    player: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One player's own.", autocompletion=completion.players),
    ] = None,
    since: options.SINCE = None,
    until: options.UNTIL = None,
    season: options.SEASON = None,
    map_name: options.MAP = None,
    server: options.SERVER = None,
    last: options.LAST = None,
    as_json: options.JSON = False,
    as_csv: options.CSV = False,
    as_markdown: options.MARKDOWN = False,
) -> int:
    """Show the records of single rounds and of whole sessions; numbers that cannot be true hold none.

    Example: etstats records --map supply

    Exit codes: 0 done, 2 no such map, season, server or player, 75 the base is down.
    """
    from etstats import output
    from etstats.base import open_for_reading
    from etstats.commands.map_tables import record_lines, records_tables
    from etstats.db import maps as stored
    from etstats.rules.bests import DPM_SECONDS
    from etstats.rules.records import ACCURACY_SHOTS, SESSION_DPM_SECONDS

    style = options.style(as_json, as_csv, as_markdown)
    config = context_of(ctx).config
    with open_for_reading(config) as conn:
        scope = options.scope(
            conn, config, since=since, until=until, season=season, map_name=map_name, server=server, last=last
        )
        guid = None if player is None else options.player(conn, player)
        of_rounds = stored.round_records(
            conn, scope, dpm_seconds=DPM_SECONDS, accuracy_shots=ACCURACY_SHOTS, guid=guid
        )
        of_sessions = stored.session_records(conn, scope, dpm_seconds=SESSION_DPM_SECONDS, guid=guid)
    words = options.in_words(scope, since=since, until=until, season=season, last=last)
    lines = record_lines(of_rounds, of_sessions, options.zone_of(config, scope.server), by_map=by_map)
    if style is output.Format.JSON:
        output.write_json(lines)
    else:
        output.show_all(records_tables(lines, words, style, by_map=by_map), style)
    return 0


@app.command("season", rich_help_panel=PANEL)
def season(
    ctx: typer.Context,
    which: Annotated[str | None, typer.Argument(metavar="YYYY-QN", help="A quarter; none: the newest.")] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The first N places.")] = 10,
    map_name: options.MAP = None,
    server: options.SERVER = None,
    as_json: options.JSON = False,
    as_csv: options.CSV = False,
    as_markdown: options.MARKDOWN = False,
) -> int:
    """Show a season's standings and the leader of each board; alone, the newest season and all champions.

    Example: etstats season 2025-Q4

    Exit codes: 0 done, 2 no such season, map or server, 75 the base is down.
    """
    from etstats import output
    from etstats.base import open_for_reading
    from etstats.commands.map_tables import no_season, season_tables, seasons_table
    from etstats.reading import seasons

    style = options.style(as_json, as_csv, as_markdown)
    config = context_of(ctx).config
    with open_for_reading(config) as conn:
        names = _names(conn, config, server) if which is None else [which.upper()]
        scopes = [
            (name, options.scope(conn, config, season=name, map_name=map_name, server=server))
            for name in names[:SEASONS_LISTED]
        ]
        found = seasons.seasons(conn, scopes)
    words = options.in_words(scopes[0][1]) if scopes else ""
    if style is output.Format.JSON:
        output.write_json(found)
    elif not found:
        output.show(no_season(which, words), style)
    else:
        tables = season_tables(found[0], words, limit)
        past = [seasons_table(found, words)] if which is None else []
        output.show_all(tables[:1] if style is output.Format.CSV else [*tables, *past], style)
    return 0


def _names(conn: "Connection", config: "Config", server: str | None) -> list[str]:
    """The quarters from the newest round back to the oldest."""
    from etstats.db.scope import played_span

    span = played_span(conn)
    if span is None:
        return []
    zone = options.zone_of(config, server)
    return options.seasons_between(*(moment.astimezone(zone) for moment in span))
