"""rating: the ratings of the players, and the quality of their predictions."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from etstats import output
from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.commands.tables import predictions
from etstats.commands.tables.ratings import ratings_table
from etstats.errors import ConfigError
from etstats.output import Format
from etstats.pipeline.database import open_for_reading
from etstats.stats import rating_lists, ratings, set_times
from etstats.sync.time_range import parse_when

app = typer.Typer()
_NONE_IMPROVED = "No player with an earlier rating has played in that time; use a longer one: --since 90d"


@app.command()
@bundled
def rating(
    ctx: typer.Context,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Show how well the ratings predicted the results.")
    ] = False,
    improved: Annotated[bool, typer.Option("--improved", help="Order by the points gained.")] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Gained since: 30d, 2025-10-01; default: last 7 days played."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="The first N players.")] = None,
    written: options.OutputFormat,
) -> int:
    """Show the ratings of the players, or how well they predict.

    A rating is one number per player with an interval: performance against the given opponents, and its effect on
    results. See: etstats docs rating.

    Example: etstats rating --improved --since 30d

    Exit codes: 0 done, 2 wrong usage, 75 the database is down.
    """
    if check and (improved or since is not None or limit is not None):
        raise ConfigError("--check covers all matches; leave out --improved, --since and --limit")
    config = context_of(ctx).config
    zone = options.zone_of(config)
    moment = None if since is None else parse_when(since, datetime.now(UTC), zone)
    if since is not None and moment is None:
        raise ConfigError(
            "--since all has no earlier rating to compare with; use a time such as 30d or 2025-10-01"
        )
    with open_for_reading(config, ratings.update) as conn:
        if check:
            checked, record = rating_lists.check(conn), set_times.record(conn)
        else:
            rows = rating_lists.standings(conn, moment)
    if check and written.style is Format.JSON:
        output.write_json(predictions.check_document(checked))
    elif check and written.style is Format.CSV:
        output.show(predictions.check_values(checked), written.style)
    elif check:
        output.show_all(predictions.check_tables(checked, record), written.style)
    else:
        is_rated = bool(rows)
        if improved:
            rows = sorted(
                (row for row in rows if row.gained is not None),
                key=lambda row: (-(row.gained or 0), row.rank or 0),
            )
        if written.style is Format.JSON:
            output.write_json(rows[:limit])
        else:
            table = ratings_table(rows, limit, zone, written.style, by_gain=improved)
            if improved and is_rated:
                table = replace(table, empty=_NONE_IMPROVED)
            output.show(table, written.style)
    return 0
