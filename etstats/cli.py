"""The root command group and `main()`, which turns errors into exit codes.

The module of a command is imported when the command is called. `COMMANDS` lists names and summaries for `--help`
and the completion of command names.
"""

# ruff: noqa: E402  # set before other modules create objects
import gc

# There are few reference cycles, and garbage collection takes an eighth of the time of a short command.
gc.set_threshold(100_000)

import importlib
import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from etstats import __version__, output
from etstats.commands import usage_errors
from etstats.commands.context import Context, context_of, limit_repeats
from etstats.commands.typed_secrets import typed_secrets
from etstats.config.environment import complete_environment
from etstats.errors import EtstatsError, LockedError, OutputError
from etstats.logs import event
from etstats.output.guard import prepare_standard_streams

INTERRUPTED = 130


class CommandEntry(NamedTuple):
    """A command in the list: its module in `etstats.commands`, and the first paragraph of its help."""

    module: str
    summary: str


COMMANDS = {
    "Pipeline": {
        "sync": CommandEntry("sync", "Fetch new files from the game servers and import them."),
        "import": CommandEntry("sync", "Import files and folders from this machine."),
        "post": CommandEntry("post", "Publish pending posts to Discord, or the item named."),
        "watch": CommandEntry("watch", "Fetch, import and post until interrupted, in one process."),
        "rebuild": CommandEntry("rebuild", "Derive all rounds, or those of some days, from the archive."),
    },
    "Audit": {
        "validate": CommandEntry("audit", "Check the stored data against itself and against the archive."),
        "diagnose": CommandEntry("diagnose", "Explain where files differ: server, local folder, database."),
        "explain": CommandEntry("audit", "Show where a number comes from: lines, values, rule."),
        "quarantine": CommandEntry("quarantine", "List and handle the files that were not imported."),
        "health": CommandEntry("health", "Check files, servers, posts, quarantine, backups and disk."),
    },
    "Read": {
        "leaderboard": CommandEntry("leaderboard", "Rank the players by K/D, damage, accuracy or another board."),
        "players": CommandEntry("players", "List the players, or pairs that look like one person."),
        "player": CommandEntry("players", "Show a player: values, ranks, form, maps, weapons, records."),
        "compare": CommandEntry("players", "Compare two players on every board, and count their matches."),
        "rating": CommandEntry("rating", "Show the ratings of the players, or how well they predict."),
        "teams": CommandEntry("teams", "Split players into the two most even teams."),
        "duos": CommandEntry("teams", "Rank pairs of players by results against expectation."),
        "rivals": CommandEntry("teams", "Show whom a player beats and loses to against expectation."),
        "find": CommandEntry("players", "Find players by any current or former name."),
        "session": CommandEntry("sessions", "Show a session: score, maps, teams, MVP, awards, records."),
        "sessions": CommandEntry("sessions", "List the sessions, newest first."),
        "round": CommandEntry("sessions", "Show one round with the scoreboards of both sides."),
        "rounds": CommandEntry("sessions", "List the rounds, newest first."),
        "maps": CommandEntry("maps", "List the maps: times played, attack success, attack times."),
        "weapons": CommandEntry("maps", "List the weapons: kills, accuracy, headshots, best player."),
        "records": CommandEntry("maps", "Show the records of single rounds and of sessions."),
        "awards": CommandEntry("sessions", "Show the awards of a session, or count them over many."),
        "achievements": CommandEntry("achievements", "Show achievements, and a player's progress to the next."),
        "status": CommandEntry("status", "Show who is on the configured game servers now."),
        "recap": CommandEntry("recap", "Show the summary of the last week, month or season."),
        "season": CommandEntry("maps", "Show the standings of a season and the leaders of the boards."),
    },
    "Identity": {
        "link": CommandEntry("identity", "Link a player to a Discord account, replacing earlier links."),
        "unlink": CommandEntry("identity", "Remove the link of a player to a Discord account."),
        "links": CommandEntry("identity", "List the players linked to a Discord account."),
        "hide": CommandEntry("identity", "Hide a player from boards and posts, or list hidden players."),
        "forget": CommandEntry("identity", "Replace a player's names and GUID with a pseudonym for good."),
        "correct": CommandEntry("correct", "Correct players, rounds, names and maps, with undo."),
    },
    "Operate": {
        "init": CommandEntry("init", "Set up etstats: server, database and webhook."),
        "config": CommandEntry("config", "Show or check the settings."),
        "cron": CommandEntry("cron", "Show, install or remove the crontab entries."),
        "systemd": CommandEntry("systemd", "Show, install or remove the systemd units."),
        "db": CommandEntry("db", "Manage the database and the names of its servers."),
        "backup": CommandEntry("backup", "Back up the database into one file and verify the backup."),
        "restore": CommandEntry("backup", "Restore the database from a backup."),
        "export": CommandEntry("export", "Export all tables as CSV, JSON lines or SQLite."),
        "site": CommandEntry("site", "Build the static site, or serve it on this machine."),
        "docs": CommandEntry("docs", "Show a page of the manual, or list the pages."),
        "demo": CommandEntry("demo", "Run the whole pipeline on generated rounds on this machine."),
    },
}
"""The commands by help panel and name, in the order of `--help`."""

_MODULES = {name: entry.module for panel in COMMANDS.values() for name, entry in panel.items()}


class LogFormat(StrEnum):
    """Format of the log."""

    TEXT = "text"
    JSON = "json"


class RootGroup(TyperGroup):
    """The root command: lists the commands from `COMMANDS`, and loads the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.help = _unwrapped(self.help or "")
        for panel, entries in COMMANDS.items():
            for name, entry in entries.items():
                self.add_command(TyperCommand(name, help=entry.summary, rich_help_panel=panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that the first argument names, and import its module."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and self.load(command.name or ""), rest

    def load(self, name: str) -> TyperCommand | TyperGroup:
        """Import the module of a command and return the command."""
        module = importlib.import_module(f"etstats.commands.{_MODULES[name]}")
        command: Any = typer.main.get_group(module.app).commands[name]
        for part in [command, *getattr(command, "commands", {}).values()]:
            part.help = _escaped(_unwrapped(part.help or ""))  # python -OO drops docstrings
            for param in part.params:
                param.help = _escaped(param.help or "")
        self.commands[name] = command
        return command  # type: ignore[no-any-return]  # typer declares the type of a private base class


def _unwrapped(text: str) -> str:
    """Return a help text with each paragraph in one line, so that the terminal wraps it."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _escaped(text: str) -> str:
    """Return a help text with brackets escaped, such as those of `[discord] kinds`."""
    return re.sub(r"(?<!\\)\[(?=[a-z@#/])", r"\\[", text)


app = typer.Typer(
    name="etstats",
    cls=RootGroup,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command_tree() -> RootGroup:
    """Return the root group with all commands loaded, for documentation."""
    root = typer.main.get_command(app)
    assert isinstance(root, RootGroup)  # noqa: S101  # for the type checker
    for name in _MODULES:
        root.load(name)
    return root


def _version(value: bool) -> None:
    if value:
        typer.echo(f"etstats {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    *,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Read the settings from this file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Write errors only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Write every step, and tracebacks.")] = False,
    read_url: Annotated[
        str | None,
        typer.Option("--read-url", metavar="URL", help="Read from this replica of the database."),
    ] = None,
    log_format: Annotated[LogFormat | None, typer.Option("--log-format", help="Format of the log.")] = None,
    remind: Annotated[
        str | None,
        typer.Option("--remind", metavar="24h", help="Repeat a message only after this time; for scheduled runs."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Statistics of ET:Legacy rounds: from game servers over SFTP into PostgreSQL and to Discord.

    To try it: etstats demo. To set it up: etstats init.

    Exit codes: 0 done, 1 internal error, 2 usage or configuration, 3 finished with quarantined files or findings,
    4 key or host key refused, 75 temporary, 130 interrupted.
    """
    context = context_of(ctx)
    context.config_file = config
    context.verbosity = -1 if quiet else int(verbose)
    output.set_quiet(quiet)
    context.log_format = log_format.value if log_format else None
    context.read_url = read_url
    if remind is not None:
        limit_repeats(remind)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; each error is one or two lines on stderr."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    output.hide(typed_secrets(arguments), anew=True)
    output.limit_repeats(None)
    context = Context()
    try:
        root = typer.main.get_command(app)
        with output.guarded_stdout():
            code: object = root.main(arguments, prog_name="etstats", standalone_mode=False, obj=context)
            print(end="", flush=True)  # here, where a closed pipe can still be handled
        return _interrupted() if code == INTERRUPTED else code if isinstance(code, int) else 0
    except EtstatsError as error:
        if context.verbosity > 0 and not isinstance(error, LockedError):  # which says all there is to know
            output.say_exception()
        _log_failure(error)
        # Under cron an overlap of runs is normal and needs no mail.
        if not (isinstance(error, LockedError) and context.verbosity < 0):
            _report(f"etstats: {error}")
        if isinstance(error, OutputError):
            _unread()
        return error.exit_code
    except typer.TyperException as error:  # a wrong option or argument
        return _usage(error, root, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        return _unread()
    except SystemExit as leaving:  # typer and rich exit this way when a pipe is closed
        if not isinstance(leaving.__context__, BrokenPipeError):
            raise
        return _unread()
    except Exception as fault:  # noqa: BLE001  # users see a message instead of a traceback
        return _fault(fault, verbose=context.verbosity > 0)


def _log_failure(error: EtstatsError) -> None:
    """Log the error that ended a command; a lock held by another run is not logged as a failure."""
    level = logging.INFO if isinstance(error, LockedError) else logging.ERROR
    if logging.getLogger("etstats").hasHandlers():  # else Python would print it
        event("failed", level=level, reason=str(error), exit_code=error.exit_code)


def _fault(fault: Exception, *, verbose: bool) -> int:
    """Report an internal error: the traceback goes to the log, and with `-v` to the terminal."""
    log = logging.getLogger("etstats")
    if log.hasHandlers():  # else Python would print it
        log.error("fault", exc_info=fault)
    if verbose:
        output.say_exception()
    _report(f"etstats: internal error: {type(fault).__name__}: {fault}")
    _report("Please report it with the output of -v. No partial changes were stored; run the command again.")
    return EtstatsError.exit_code


def _usage(error: typer.TyperException, root: object, arguments: Sequence[str]) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        return 2  # the help was shown when the error was made
    _report(f"etstats: {usage_errors.message(error, root, arguments)}")
    return 2


def _report(message: str) -> None:
    """Print the reason why a command ends, in one line; ignore a closed or full stderr."""
    try:
        output.say(" ".join(message.splitlines()))  # a name in it may contain line breaks
    except OSError:
        _unread()


def _unread() -> int:
    """Discard the remaining output silently, because the reader of the pipe (head, less) has exited."""
    with Path(os.devnull).open("wb") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    return 0


def _interrupted() -> int:
    _report("etstats: interrupted; completed work was kept")
    return INTERRUPTED


def run() -> None:
    """Run `main()` and exit; entry point of the installed command."""
    # Like Ctrl-C, so that unfinished files and scratch databases are removed on exit.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores it
            signal.signal(number, signal.default_int_handler)
    complete_environment()
    prepare_standard_streams()
    sys.exit(main())
