"""correct: merge players, void rounds, set names, exclude maps; every correction can be undone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from etstats import output
from etstats.admin import correct as corrections
from etstats.admin.correct import LONGEST_TEAM_NAME, CorrectionResult, CorrectionRow, NewCorrection
from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.lock_wait import WAIT, exclusive_database
from etstats.commands.option_groups import bundled
from etstats.db.connection import Connection
from etstats.db.corrections import servers_of_rounds, subject_of_round
from etstats.db.scope import map_names
from etstats.db.sessions import rounds_of_file
from etstats.domain.rules.corrections import CorrectionKind
from etstats.errors import NotFoundError
from etstats.output import Format
from etstats.pipeline.database import open_for_reading
from etstats.pipeline.site_update import mark_outdated, update_site
from etstats.stats import lookup

app = typer.Typer()
correct = typer.Typer(no_args_is_help=True)
app.add_typer(correct, name="correct")

PLAYER_HELP = "A current or former name, or a GUID."
REASON = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Reason, stored with the correction.")]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="List the changes; change nothing.")]
_LONGEST_ID = 10  # digits
ROUND = Annotated[str, typer.Argument(metavar="ROUND", help="last, a round's id, or its file name.")]


@correct.callback()
def family() -> None:
    """Correct players, rounds, names and maps, with undo.

    The archive does not change. Boards, posts, pages and exports show the result; `undo` reverts a correction.

    Example: etstats correct merge bob "bob on the laptop" --reason "new computer"

    Exit codes: 0 done, 2 refused and nothing written, 75 the database is down or busy.
    """


@correct.command()
def merge(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help=PLAYER_HELP, autocompletion=completion.players)],
    b: Annotated[
        str,
        typer.Argument(metavar="B", help="The player to merge into A.", autocompletion=completion.players),
    ],
    reason: REASON = "",
    dry_run: DRY_RUN = False,
    wait: WAIT = None,
) -> int:
    """Count player B as player A, in stored and in later files.

    Refused when both play in one round.

    Example: etstats correct merge bob 1A2B3C4D --reason "new computer"

    Exit codes: 0 done, 2 refused, 75 the database is down or busy.
    """

    def wanted(conn: Connection) -> NewCorrection:
        person, other = options.player(conn, a), options.player(conn, b)
        return NewCorrection(kind=CorrectionKind.MERGE, subject=other, value=person, reason=reason)

    return _make(ctx, wanted, wait, dry_run=dry_run)


@correct.command()
def split(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help=PLAYER_HELP, autocompletion=completion.players)],
    reason: REASON = "",
    dry_run: DRY_RUN = False,
    wait: WAIT = None,
) -> int:
    """Remove a GUID from a merged player.

    For the GUID that represents the player, all others are removed.

    Example: etstats correct split 1A2B3C4D

    Exit codes: 0 done, 2 refused, 75 the database is down or busy.
    """

    def wanted(conn: Connection) -> NewCorrection:
        return NewCorrection(kind=CorrectionKind.SPLIT, subject=options.recorded_guid(conn, a), reason=reason)

    return _make(ctx, wanted, wait, dry_run=dry_run)


@correct.command()
def void(
    ctx: typer.Context, which: ROUND, reason: REASON = "", dry_run: DRY_RUN = False, wait: WAIT = None
) -> int:
    """Exclude a round from boards, series, ratings and posts.

    Example: etstats correct void last --reason "server crashed"

    Exit codes: 0 done, 2 refused, 75 the database is down or busy.
    """
    return _of_round(ctx, CorrectionKind.VOID, which, reason, wait, dry_run=dry_run)


@correct.command()
def unvoid(
    ctx: typer.Context, which: ROUND, reason: REASON = "", dry_run: DRY_RUN = False, wait: WAIT = None
) -> int:
    """Count a voided round again.

    Example: etstats correct unvoid 2025-10-02-232818-supply-round-1.txt

    Exit codes: 0 done, 2 refused, 75 the database is down or busy.
    """
    return _of_round(ctx, CorrectionKind.UNVOID, which, reason, wait, dry_run=dry_run)


@correct.command()
def rename(
    ctx: typer.Context,
    player: Annotated[str, typer.Argument(metavar="PLAYER", help=PLAYER_HELP, autocompletion=completion.players)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name to show, at most 36 characters.")],
    reason: REASON = "",
    dry_run: DRY_RUN = False,
    wait: WAIT = None,
) -> int:
    """Show a player under this name in place of the recorded one.

    Example: etstats correct rename 1A2B3C4D bob

    Exit codes: 0 done, 2 refused, 75 the database is down or busy.
    """

    shown = corrections.valid_name(name, "player name")

    def wanted(conn: Connection) -> NewCorrection:
        guid = options.player(conn, player)
        return NewCorrection(kind=CorrectionKind.RENAME, subject=guid, value=shown, reason=reason)

    return _make(ctx, wanted, wait, dry_run=dry_run)


@correct.command("team-name")
def team_name(
    ctx: typer.Context,
    series: Annotated[
        str, typer.Argument(metavar="SERIES", help="A session (last, ID or day), or SESSION/NUMBER: 12/2.")
    ],
    team: Annotated[str, typer.Argument(metavar="TEAM", help="1, 2, or the current name of the team.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name to show, at most 24 characters.")],
    reason: REASON = "",
    dry_run: DRY_RUN = False,
    wait: WAIT = None,
) -> int:
    """Name a team of a series.

    Example: etstats correct team-name last 1 alpha

    Exit codes: 0 done, 2 refused, 75 the database is down or busy.
    """
    shown = corrections.valid_name(name, "team name", LONGEST_TEAM_NAME)
    session, _, number = series.partition("/")

    def wanted(conn: Connection) -> NewCorrection:
        session_id = lookup.find_session(conn, session)
        if session_id is None:
            raise NotFoundError("no sessions yet; import files first: etstats import, etstats sync")
        return replace(corrections.named_team(conn, session_id, number, team, shown), reason=reason)

    return _make(ctx, wanted, wait, dry_run=dry_run)


@correct.command("exclude-map")
def exclude_map(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="MAP", help="A map, such as supply.", autocompletion=completion.maps)
    ],
    reason: REASON = "",
    dry_run: DRY_RUN = False,
    wait: WAIT = None,
) -> int:
    """Exclude all rounds of a map, including later ones.

    Example: etstats correct exclude-map mp_sillyctf --reason "warm-up only"

    Exit codes: 0 done, 2 refused, 75 the database is down or busy.
    """
    return _of_map(ctx, CorrectionKind.EXCLUDE_MAP, name, reason, wait, dry_run=dry_run)


@correct.command("include-map")
def include_map(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="MAP", help="An excluded map.", autocompletion=completion.maps)],
    reason: REASON = "",
    dry_run: DRY_RUN = False,
    wait: WAIT = None,
) -> int:
    """Count the rounds of an excluded map again.

    Example: etstats correct include-map mp_sillyctf

    Exit codes: 0 done, 2 refused, 75 the database is down or busy.
    """
    return _of_map(ctx, CorrectionKind.INCLUDE_MAP, name, reason, wait, dry_run=dry_run)


@correct.command("list")
@bundled
def list_(ctx: typer.Context, *, written: options.OutputFormat) -> int:
    """List all corrections, including undone ones, oldest first.

    Example: etstats correct list --json

    Exit codes: 0 done, 75 the database is down.
    """

    with open_for_reading(context_of(ctx).config) as conn:
        rows = corrections.history(conn)
    raw = [output.text("subject", "Subject"), output.text("value", "Value")]
    table = output.Table(
        title="Corrections",
        columns=[
            output.whole("id", "No."),
            output.when("made_at", "Made (UTC)"),
            output.text("kind", "Kind"),
            output.sentence("text", "Correction"),
            output.sentence("reason", "Reason"),
            output.when("undone_at", "Undone (UTC)"),
            *([] if written.style is Format.TABLE else raw),
        ],
        rows=rows,
        empty="No corrections yet; see: etstats correct --help",
    )
    if written.style is Format.TABLE and rows and output.out().is_terminal:
        output.out().print(_wrapped(rows))
    else:
        output.show(table, written.style)
    return 0


def _wrapped(rows: Sequence[CorrectionRow]) -> Table:
    """Return the history as text for a terminal, where a table would truncate the sentences."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows:
        undone = "" if row.undone_at is None else f" (undone {row.undone_at:%Y-%m-%d %H:%M})"
        style = "dim" if undone else ""
        text = Text(output.printable(f"{row.text}{undone}"))
        grid.add_row(str(row.id), f"{row.made_at:%Y-%m-%d %H:%M}", text, style=style)
        if row.reason:
            grid.add_row("", "", Text(output.printable(row.reason), style="italic"), style=style)
    return grid


@correct.command()
def undo(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="last|ID", help="last, or the number of the correction.")],
    dry_run: DRY_RUN = False,
    wait: WAIT = None,
) -> int:
    """Undo a correction.

    Example: etstats correct undo last

    Exit codes: 0 done, 2 no such correction or refused, 75 the database is down or busy.
    """
    is_number = which.isascii() and which.isdecimal() and len(which) <= _LONGEST_ID
    if which != "last" and not is_number:
        raise typer.BadParameter(f'"{which}": expected last, or the number of a correction')
    number = None if which == "last" else int(which)
    return _change(
        ctx, lambda conn: corrections.undo(conn, number, dry_run=dry_run), "undone", wait, dry_run=dry_run
    )


def _of_round(
    ctx: typer.Context, kind: CorrectionKind, which: str, reason: str, wait: str | None, *, dry_run: bool
) -> int:
    def wanted(conn: Connection) -> NewCorrection:
        found = rounds_of_file(conn, which)
        if len(found) > 1:
            listed = ", ".join(f"{number} ({server})" for number, server in servers_of_rounds(conn, found))
            raise NotFoundError(f"{len(found)} servers have a round {which}; use its number: {listed}")
        round_id = lookup.find_round(conn, which)
        subject = None if round_id is None else subject_of_round(conn, round_id)
        if subject is None:
            raise NotFoundError(f"there is no round {which}; list them with: etstats rounds --all")
        return NewCorrection(kind=kind, subject=subject, reason=reason)

    return _make(ctx, wanted, wait, dry_run=dry_run)


def _of_map(
    ctx: typer.Context, kind: CorrectionKind, name: str, reason: str, wait: str | None, *, dry_run: bool
) -> int:
    def wanted(conn: Connection) -> NewCorrection:
        return NewCorrection(kind=kind, subject=options.known("map", name, map_names(conn)), reason=reason)

    return _make(ctx, wanted, wait, dry_run=dry_run)


def _make(
    ctx: typer.Context, wanted: Callable[[Connection], NewCorrection], wait: str | None, *, dry_run: bool
) -> int:
    return _change(
        ctx, lambda conn: corrections.make(conn, wanted(conn), dry_run=dry_run), "made", wait, dry_run=dry_run
    )


def _change(
    ctx: typer.Context,
    change: Callable[[Connection], CorrectionResult],
    done: str,
    wait: str | None,
    *,
    dry_run: bool,
) -> int:
    """Make or undo a correction while no other run writes, then update the site."""

    context = context_of(ctx)
    if not dry_run:
        mark_outdated(context.config)
    with exclusive_database(context, wait) as conn, conn.transaction():
        result = change(conn)
    text = output.printable(result.text)
    if dry_run:
        what = text if done == "made" else f"undo of correction {result.correction.id} ({text})"
        output.say(f"dry run: {what}; {result.extent}")
        return 0
    update_site(context.config)
    if context.verbosity >= 0:
        number = result.correction.id
        hint = f"; undo it with: etstats correct undo {number}" if done == "made" else ""
        output.say(
            f"correction {number} {done}: {text}" if done == "made" else f"correction {number} undone ({text})"
        )
        output.say(f"{result.extent}{hint}")
    return 0
