"""player, compare, find: single players, by any name that they ever used."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled

if TYPE_CHECKING:
    from etstats.domain.rules import name_matching
    from etstats.output import Table

app = typer.Typer()
PANEL = "Read"
PLAYER_HELP = "A present or former name, a GUID, or a linked Discord account's id."


@app.command(rich_help_panel=PANEL)
@bundled
def player(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=PLAYER_HELP, autocompletion=completion.players)],
    *,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Show a player: values and ranks, form, maps, sides, weapons, company, records, achievements, names.

    Example: etstats player bob --season 2025-Q4

    Exit codes: 0 done, 2 no such player, or more than one, 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables import players
    from etstats.stats import profiles

    with about.question(ctx) as asked:
        profile = profiles.profile(asked.conn, asked.scope, options.player(asked.conn, name))
    if written.style is output.Format.JSON:
        output.write_json(profile)
    elif written.style is output.Format.CSV:
        output.show(players.profile_values(profile), written.style)
    else:
        output.show_all(players.profile_tables(profile, asked.words, asked.zone), written.style)
    return 0


@app.command(rich_help_panel=PANEL)
@bundled
def compare(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help=PLAYER_HELP, autocompletion=completion.players)],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.", autocompletion=completion.players)],
    *,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Set two players side by side on every board, the better one marked, and count their meetings.

    Example: etstats compare bob alice --map supply

    Exit codes: 0 done, 2 no such player, or more than one, 75 the database is down.
    """
    from etstats import output
    from etstats.commands.tables import players
    from etstats.stats import profiles

    with about.question(ctx) as asked:
        both = profiles.compare(
            asked.conn, asked.scope, options.player(asked.conn, a), options.player(asked.conn, b)
        )
    if written.style is output.Format.JSON:
        output.write_json(both)
    elif written.style is output.Format.CSV:
        output.show(players.comparison_values(both), written.style)
    else:
        output.show(players.comparison_table(both, asked.words), written.style)
    return 0


@app.command(rich_help_panel=PANEL)
@bundled
def find(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of a name, or a GUID.")],
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The closest N.")] = 20,
    written: options.OutputFormat,
) -> int:
    """Find players by any name ever used, colour codes and case aside; the most alike when none matches.

    Example: etstats find bob

    Exit codes: 0 done, also when nobody is found; 75 the database is down.
    """
    from etstats import output
    from etstats.domain.rules import name_matching
    from etstats.pipeline.database import open_for_reading

    config = context_of(ctx).config
    with open_for_reading(config) as conn:
        seen = options.seen(conn)
    zone = options.zone_of(config)
    matches = [
        replace(match, last_seen=match.last_seen.astimezone(zone))
        for match in name_matching.find(options.spellings(text), seen)[:limit]
    ]
    output.show(_found(text, matches, is_empty=not seen), written.style)
    return 0


def _found(text: str, matches: "list[name_matching.Match]", *, is_empty: bool) -> "Table":
    from etstats import output
    from etstats.domain.rules.name_matching import MatchQuality

    columns = [
        output.text("player_guid", "GUID"),
        output.text("clean_name", "Name now"),
        output.text("alias", "Answers as"),
        output.whole("times_seen", "Rounds"),
        output.when("last_seen", "Last seen"),
    ]
    empty = (
        "No players yet. They come with rounds: etstats sync, or etstats import FOLDER"
        if is_empty
        else f"Nobody was ever named {output.printable(text)}, or anything like it; a shorter part may find more."
    )
    notes = (
        ["No name holds that; these are the most alike."]
        if matches and matches[0].closeness is MatchQuality.LIKE
        else []
    )
    return output.Table(title="Players found", columns=columns, rows=matches, empty=empty, notes=notes)
