"""achievements: which thresholds there are, who reached them, and how far a player is."""

from typing import Annotated

import typer

from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled

app = typer.Typer()
PANEL = "Read"


@app.command("achievements", rich_help_panel=PANEL)
@bundled
def achievements(
    ctx: typer.Context,
    player: Annotated[
        str | None,
        typer.Argument(metavar="[PLAYER]", help="How far this player is.", autocompletion=completion.players),
    ] = None,
    *,
    written: options.OutputFormat,
) -> int:
    """Show every threshold that was reached, by how many and whom; of one player, how far it is to the next.

    Example: etstats achievements bob

    Exit codes: 0 done, 2 no such player, or several of that name, 75 the database is down.
    """
    from etstats import output
    from etstats.pipeline.database import open_for_reading
    from etstats.stats import careers

    with open_for_reading(context_of(ctx).config) as conn:
        if player is None:
            table = output.Table(
                title="Achievements",
                columns=[
                    output.Column(key="title", heading="Achievement"),
                    output.whole("threshold", "From"),
                    output.text("unit", ""),
                    output.whole("players", "Players"),
                    output.text("last_name", "Last"),
                    output.Column(key="last_on", heading="On", text="{:%Y-%m-%d}".format),
                    output.text("first_name", "First"),
                    output.Column(key="first_on", heading="On", text="{:%Y-%m-%d}".format),
                ],
                rows=careers.achievement_rows(conn),
                empty="Nobody reached anything yet; the first step is ten rounds.",
            )
        else:
            table = output.Table(
                title=f"Achievements of {output.printable(player)}",
                columns=[
                    output.Column(key="title", heading="Achievement"),
                    output.whole("value", "Now"),
                    output.whole("next", "Next"),
                    output.whole("left", "To go"),
                    output.text("unit", "Counts"),
                    output.whole("reached", "Reached"),
                    output.Column(key="reached_on", heading="On", text="{:%Y-%m-%d}".format),
                ],
                rows=careers.progress_rows(conn, options.player(conn, player)),
                empty="No rounds of this player yet.",
            )
    output.show(table, written.style)
    return 0
