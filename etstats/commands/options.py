"""Options that many commands share, under one name and with one help text each."""

from typing import Annotated

import typer

from etstats.output import Format

JSON = Annotated[bool, typer.Option("--json", help="One JSON document; empty is [].", rich_help_panel="Output")]
CSV = Annotated[bool, typer.Option("--csv", help="Comma-separated values.", rich_help_panel="Output")]
MARKDOWN = Annotated[bool, typer.Option("--markdown", help="A Markdown table.", rich_help_panel="Output")]
SINCE = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN", help="From: 24h, 7d, 2weeks, today, 2025-10-01, all.", rich_help_panel="Which rounds"
    ),
]
UNTIL = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Up to and with: today, 2025-10-31.", rich_help_panel="Which rounds"),
]
SEASON = Annotated[
    str | None, typer.Option(metavar="YYYY-QN", help="A quarter, such as 2025-Q4.", rich_help_panel="Which rounds")
]
MAP = Annotated[str | None, typer.Option("--map", help="One map, such as supply.", rich_help_panel="Which rounds")]
SERVER = Annotated[
    str | None, typer.Option("--server", metavar="NAME", help="One server.", rich_help_panel="Which rounds")
]
LAST = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="The last N rounds.", rich_help_panel="Which rounds")
]


def style(as_json: bool, as_csv: bool, as_markdown: bool) -> Format:
    """The one format asked for; two at once are a mistake in usage."""
    asked = [f for f, on in ((Format.JSON, as_json), (Format.CSV, as_csv), (Format.MARKDOWN, as_markdown)) if on]
    if len(asked) > 1:
        raise typer.BadParameter("choose one of --json, --csv and --markdown")
    return asked[0] if asked else Format.TABLE
