"""recap: the summary of a week, a month or a season, and the scheduled posts."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

import typer

from etstats import output
from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.commands.tables.formatting import heading, value_text
from etstats.config.schema import Config
from etstats.domain.rules.boards import BOARDS
from etstats.domain.rules.calendar_spans import SpanKind, span_before, span_of
from etstats.domain.text import pluralize
from etstats.errors import ConfigError
from etstats.output import Format, Table
from etstats.pipeline.database import open_database, open_for_reading
from etstats.pipeline.site_update import zone_of
from etstats.post.publish import calendar, manual
from etstats.post.render.terminal import draw
from etstats.stats import recaps
from etstats.stats.recaps import Recap

app = typer.Typer()


class SpanChoice(StrEnum):
    """Time span of a recap."""

    WEEK = "week"
    MONTH = "month"
    SEASON = "season"


class _RecapRow(NamedTuple):
    """The leader of a board."""

    board: str
    player_name: str
    value: str


_SPANS: dict[SpanChoice, SpanKind] = {
    SpanChoice.WEEK: "week",
    SpanChoice.MONTH: "month",
    SpanChoice.SEASON: "season",
}


@app.command()
@bundled
def recap(
    ctx: typer.Context,
    span: Annotated[
        SpanChoice | None, typer.Argument(metavar="[week|month|season]", show_default=False, help="Default: week.")
    ] = None,
    *,
    current: Annotated[bool, typer.Option("--current", help="The current week, month or season.")] = False,
    post: Annotated[bool, typer.Option("--post", help="Post to Discord, once.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the message; send and store nothing.")] = False,
    written: options.OutputFormat,
) -> int:
    """Show the summary of the last week, month or season.

    --post without an argument sends the scheduled posts that are due, of the kinds in `[discord] kinds`
    (recap_week, recap_month, season, morning, on_this_day). Nothing is posted twice.

    Example: etstats recap month

    Exit codes: 0 done, 2 no webhook, 3 a post was refused or its delivery is unknown, 75 Discord or the database
    is down, or another run is posting.
    """
    context = context_of(ctx)
    config, now = context.config, datetime.now(UTC)
    if post and current:
        raise ConfigError("--post cannot be used with --current: a recap is posted after its time span")
    if post and span is not None:
        manual.insist_on_webhook(config.discord)
    zone = zone_of(config)
    chosen = _SPANS[span or SpanChoice.WEEK]
    named = span_of(chosen, now, zone) if current else span_before(chosen, now, zone)
    is_calendar = post and span is None
    if is_calendar and not calendar.wants_calendar(config.discord):
        if context.verbosity >= 0:
            output.say("no scheduled posts are enabled; add a kind such as recap_week to [discord] kinds")
        return 0
    items = calendar.due(config.discord, now, zone) if is_calendar else [calendar.of_span(named)]
    if dry_run:
        return _draw(config, items)
    if not post:
        with open_for_reading(config) as conn:
            shown = recaps.recap(conn, named)
        return _show(shown, written.style)
    with open_database(config) as conn:
        report = calendar.publish(
            conn,
            config.discord,
            now,
            zone,
            items,
            limit_seconds=config.discord.run_limit,
            is_asked_for=not is_calendar,
        )
    for line in report.lines:
        output.say(line)
    if context.verbosity >= 0:
        output.say(f"recap: {report}")
    return report.exit_code


def _draw(config: Config, items: list[calendar.CalendarItem]) -> int:
    """Print the messages as Discord shows them."""
    zone = zone_of(config)
    is_any = False
    with open_database(config) as conn:
        for item in items:
            message = calendar.message_of(conn, item, zone, config.discord.date_language)
            if message is not None:
                is_any = True
                draw(message, None, zone)
                output.out().print()
    if not is_any:
        output.say("nothing to post" if items else "no posts are due")
    return 0


def _show(shown: Recap, style: Format) -> int:
    if style is Format.JSON:
        output.write_json(shown)
        return 0
    title = f"Recap of {shown.name} · {shown.since:%Y-%m-%d} to {shown.until - timedelta(days=1):%Y-%m-%d}"
    counts = (
        f"{pluralize(shown.sessions, 'session')}, {pluralize(shown.maps, 'map')}, "
        f"{pluralize(shown.rounds, 'round')}, {pluralize(shown.players, 'player')}."
    )
    standings = Table(
        title=title,
        columns=[output.whole("rank", "#"), output.name(), output.whole("points", "Points")],
        rows=[line for line in shown.standings if line.points][:10],
        empty=f"{title}: nothing was played."
        if not shown.rounds
        else f"{title}: no player has the minimum to be ranked.",
        notes=[counts],
    )
    leaders = Table(
        title="Leaders",
        columns=[
            output.text("board", "Board"),
            output.name(),
            output.Column(key="value", heading="Value", justify="right"),
        ],
        rows=[
            _RecapRow(heading(board), one.standing.player_name, value_text(board, one.standing.value))
            for one in shown.leaders
            for board in [BOARDS[one.board]]
        ],
        empty="No board has a leader.",
    )
    output.show_all([standings] if not shown.rounds or style is Format.CSV else [standings, leaders], style)
    return 0
