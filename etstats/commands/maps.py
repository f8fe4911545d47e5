"""maps, weapons, records, season."""

import re
from dataclasses import replace
from typing import Annotated

import typer

from etstats import output
from etstats.commands import completion, options
from etstats.commands.option_groups import bundled
from etstats.commands.tables.maps import (
    map_document,
    map_tables,
    maps_table,
    record_lines,
    records_tables,
    weapons_table,
)
from etstats.commands.tables.seasons import no_season, season_tables, seasons_table
from etstats.db import maps as stored
from etstats.domain.rules.records import ACCURACY_SHOTS, DPM_SECONDS, SESSION_DPM_SECONDS
from etstats.errors import ConfigError
from etstats.stats import ratings, seasons, set_times

app = typer.Typer()


@app.command("maps")
@bundled
def maps(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Show this map in detail.", autocompletion=completion.maps),
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The N fastest attacks of NAME.")] = 5,
    set_time: Annotated[
        str | None, typer.Option("--set-time", metavar="M:SS", help="The chance to beat this time on NAME.")
    ] = None,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """List the maps: times played, attack success, attack times.

    With NAME: the fastest attacks and their teams, the results of the team that attacks first, and the quality of
    set time predictions.

    Example: etstats maps supply --set-time 6:30

    Exit codes: 0 done, 2 no such map, season or server, 75 the database is down.
    """
    if name is None:
        if set_time is not None:
            raise ConfigError("--set-time needs a map, such as: etstats maps supply --set-time 6:30")
        with about.question(ctx) as asked:
            rows = stored.maps(asked.conn, asked.scope)
        output.show(maps_table(rows, asked.words, asked.zone), written.style)
        return 0
    if about.map_name is not None:
        raise ConfigError(f"two maps given, {name} and {about.map_name}; give one")
    seconds = None if set_time is None else _seconds(set_time)
    with replace(about, map_name=name).question(ctx, ratings.update) as asked:
        report = set_times.map_report(asked.conn, asked.scope, limit)
        chance = None
        if seconds is not None and asked.scope.map_name is not None:
            chance = set_times.forecast(asked.conn, asked.scope.map_name, seconds)
    if written.style is output.Format.JSON:
        output.write_json(map_document(report, seconds, chance))
    else:
        output.show_all(map_tables(report, seconds, chance, asked.words, asked.zone, written.style), written.style)
    return 0


def _seconds(text: str) -> int:
    """Return a time written as M:SS in seconds."""
    match = re.fullmatch(r"(\d{1,3}):([0-5]\d)", text.strip(), re.ASCII)
    if match is None:
        raise ConfigError(f'invalid time "{text}"; expected minutes and seconds such as 6:30')
    return 60 * int(match[1]) + int(match[2])


@app.command("weapons")
@bundled
def weapons(
    ctx: typer.Context,
    *,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """List the weapons: kills, accuracy, headshots, best player.

    Example: etstats weapons --map supply

    Exit codes: 0 done, 2 no such map, season or server, 75 the database is down.
    """
    with about.question(ctx) as asked:
        rows = stored.weapons(asked.conn, asked.scope)
    output.show(weapons_table(rows, asked.words), written.style)
    return 0


@app.command("records")
@bundled
def records(
    ctx: typer.Context,
    *,
    by_map: Annotated[bool, typer.Option("--by-map", help="Show the records of each map.")] = False,
    player: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only the records of this player.", autocompletion=completion.players),
    ] = None,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Show the records of single rounds and of sessions.

    Implausible values are excluded.

    Example: etstats records --map supply

    Exit codes: 0 done, 2 no such map, season, server or player, 75 the database is down.
    """
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


@app.command("season")
@bundled
def season(
    ctx: typer.Context,
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="YYYY-QN", help="A quarter; default: the newest.", autocompletion=completion.seasons
        ),
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Number of rows.")] = 10,
    map_name: options.MAP = None,
    server: options.SERVER = None,
    written: options.OutputFormat,
) -> int:
    """Show the standings of a season and the leaders of the boards.

    Without an argument: the newest season, and the champions of the one before.

    Example: etstats season 2025-Q4

    Exit codes: 0 done, 2 no such season, map or server, 75 the database is down.
    """
    with options.RoundFilter(map_name=map_name, server=server).question(ctx) as asked:
        are_whole = written.style is output.Format.JSON
        found = seasons.seasons(asked.conn, asked.scope, asked.zone, which, are_whole=are_whole)
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
