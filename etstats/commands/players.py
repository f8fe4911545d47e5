"""players, player, compare, find."""

from typing import Annotated

import typer

from etstats import output
from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.commands.tables import people, players
from etstats.domain.rules import name_matching
from etstats.domain.rules.name_matching import MatchQuality
from etstats.domain.text import pluralize
from etstats.output import Table
from etstats.pipeline.database import open_for_reading
from etstats.stats import profiles, ratings
from etstats.stats.people import everybody, suggestions

app = typer.Typer()
FOUND_SHOWN = 20
PLAYER_HELP = "A current or former name, a GUID, or a Discord id."


@app.command("players")
@bundled
def players_(
    ctx: typer.Context,
    *,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Pairs that look like one person, with the evidence.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="The first N; suggestions: 20.")] = None,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """List the players, or pairs that look like one person.

    Example: etstats players --since 7d; etstats players --suggest

    Exit codes: 0 done, 2 usage, 75 the database is down.
    """
    with about.question(ctx, ratings.update) as asked:
        if not suggest:
            rows = everybody(asked.conn, asked.scope, limit)
            table = people.player_list(rows, asked.words, asked.zone, options.no_rounds(asked.words))
        elif not asked.scope.is_everything:
            raise typer.BadParameter("--suggest uses all rounds; leave out the options that select rounds")
        else:
            table = people.suggestions(suggestions(asked.conn, limit or 20), asked.zone)
    output.show(table, written.style)
    return 0


@app.command()
@bundled
def player(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=PLAYER_HELP, autocompletion=completion.players)],
    *,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Show a player: values, ranks, form, maps, weapons, records.

    Sides, teammates, achievements and names follow.

    Example: etstats player bob --season 2025-Q4

    Exit codes: 0 done, 2 no such player, or more than one, 75 the database is down.
    """

    with about.question(ctx, ratings.update) as asked:
        profile = profiles.profile(asked.conn, asked.scope, options.player(asked.conn, name))
    if written.style is output.Format.JSON:
        output.write_json(profile)
    elif written.style is output.Format.CSV:
        output.show(players.profile_values(profile), written.style)
    else:
        output.show_all(players.profile_tables(profile, asked.words, asked.zone), written.style)
    return 0


@app.command()
@bundled
def compare(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help=PLAYER_HELP, autocompletion=completion.players)],
    b: Annotated[str, typer.Argument(metavar="B", help="The second player.", autocompletion=completion.players)],
    *,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Compare two players on every board, and count their matches.

    Example: etstats compare bob alice --map supply

    Exit codes: 0 done, 2 no such player, or more than one, 75 the database is down.
    """
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


@app.command()
@bundled
def find(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of a name, or a GUID.")],
    *,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Number of results; default: 20, all without a text.")
    ] = None,
    written: options.OutputFormat,
) -> int:
    """Find players by any current or former name.

    Colour codes and case are ignored; without a match the most similar names are listed.

    Example: etstats find bob

    Exit codes: 0 done, also when nobody is found; 75 the database is down.
    """
    config = context_of(ctx).config
    with open_for_reading(config) as conn:
        seen = options.seen(conn)
    zone = options.zone_of(config)
    found = name_matching.find(options.spellings(text), seen)
    if limit is None:
        limit = FOUND_SHOWN if text.strip() else len(found)
    matches = [match._replace(last_seen=match.last_seen.astimezone(zone)) for match in found[:limit]]
    output.show(_found(text, matches, len(found) - len(matches), is_empty=not seen), written.style)
    return 0


def _found(text: str, matches: list[name_matching.Match], left_out: int, *, is_empty: bool) -> Table:
    columns = [
        output.text("player_guid", "GUID"),
        output.text("clean_name", "Name now"),
        output.text("alias", "Answers as"),
        output.whole("times_seen", "Rounds"),
        output.when("last_seen", "Last seen"),
    ]
    empty = (
        "No players yet. Import rounds: etstats sync, or etstats import FOLDER"
        if is_empty
        else f"No name is similar to {output.printable(text)}; try a shorter part."
    )
    notes = (
        ["No name contains this text; these are the most similar."]
        if matches and matches[0].closeness is MatchQuality.LIKE
        else []
    )
    if left_out:
        notes.append(f"{pluralize(left_out, 'more player')}: --limit {len(matches) + left_out}")
    return output.Table(title="Players found", columns=columns, rows=matches, empty=empty, notes=notes)
