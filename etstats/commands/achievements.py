"""achievements: the thresholds, the players who reached them, and the progress of a player."""

from typing import Annotated

import typer

from etstats import output
from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.pipeline.database import open_for_reading
from etstats.stats import careers

app = typer.Typer()


@app.command("achievements")
@bundled
def achievements(
    ctx: typer.Context,
    player: Annotated[
        str | None,
        typer.Argument(
            metavar="[PLAYER]", help="Show the progress of this player.", autocompletion=completion.players
        ),
    ] = None,
    *,
    written: options.OutputFormat,
) -> int:
    """Show achievements, and a player's progress to the next.

    Example: etstats achievements bob

    Exit codes: 0 done, 2 no such player, or more than one, 75 the database is down.
    """
    with open_for_reading(context_of(ctx).config) as conn:
        if player is None:
            table = output.Table(
                title="Achievements",
                columns=[
                    output.Column(key="title", heading="Achievement"),
                    output.whole("threshold", "From"),
                    output.sentence("unit", "", least=20, importance=1),
                    output.whole("players", "Players"),
                    output.text("last_name", "Last", least=14),
                    output.Column(key="last_on", heading="Last on", text="{:%Y-%m-%d}".format),
                    output.text("first_name", "First", least=14),
                    output.Column(key="first_on", heading="First on", text="{:%Y-%m-%d}".format),
                ],
                rows=careers.achievement_rows(conn),
                empty="No achievements yet; the first step is 10 rounds.",
            )
        else:
            table = output.Table(
                title=f"Achievements of {output.printable(player)}",
                columns=[
                    output.Column(key="title", heading="Achievement"),
                    output.whole("value", "Now"),
                    output.whole("next", "Next"),
                    output.whole("left", "To go"),
                    output.sentence("unit", "Counts", least=20, importance=1),
                    output.whole("reached", "Reached"),
                    output.Column(key="reached_on", heading="Reached on", text="{:%Y-%m-%d}".format),
                ],
                rows=careers.progress_rows(conn, options.player(conn, player)),
                empty="No rounds of this player yet.",
            )
    output.show(table, written.style)
    return 0
