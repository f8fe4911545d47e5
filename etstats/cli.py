"""The Typer app and `main()`: errors become exit codes here, and nothing else happens."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from etstats import __version__
from etstats.commands import (
    achievements,
    audit,
    backup,
    config,
    cron,
    db,
    demo,
    diagnose,
    export,
    health,
    identity,
    init,
    leaderboard,
    maps,
    players,
    post,
    quarantine,
    rebuild,
    sessions,
    site,
    sync,
    watch,
)
from etstats.commands.context import Context
from etstats.commands.typed_secrets import typed_secrets
from etstats.config.loader import complete_environment
from etstats.errors import EtstatsError, LockedError, OutputError
from etstats.output.guard import prepare_standard_streams

INTERRUPTED = 130


class LogFormat(StrEnum):
    """How the log is written."""

    TEXT = "text"
    JSON = "json"


app = typer.Typer(
    name="etstats",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for family in (
    sync,
    post,
    rebuild,
    demo,
    leaderboard,
    players,
    maps,
    sessions,
    watch,
    achievements,
    audit,
    quarantine,
    diagnose,
    identity,
    init,
    config,
    cron,
    db,
    backup,
    export,
    health,
    site,
):
    app.add_typer(family.app)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"etstats {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    *,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The settings, instead of the usual file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only errors.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Every step, and tracebacks.")] = False,
    read_url: Annotated[
        str | None,
        typer.Option("--read-url", metavar="URL", help="Where reading commands read: a replica of the database."),
    ] = None,
    log_format: Annotated[
        LogFormat | None, typer.Option("--log-format", help="How the log is written, whatever the settings say.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """ET:Legacy round statistics: from the game server over SFTP into PostgreSQL and onto Discord.

    Start with: etstats demo, then etstats init.

    Exit codes: 0 done, 1 a fault of the program, 2 usage or configuration, 3 finished with quarantined files or
    findings, 4 refused by the server or its host key, 75 temporary, 130 interrupted.
    """
    ctx.obj = Context(
        config_file=config,
        verbosity=-1 if quiet else int(verbose),
        log_format=log_format.value if log_format else None,
        read_url=read_url,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every failure is one or two lines on stderr."""
    from etstats import output

    arguments = list(sys.argv[1:] if argv is None else argv)
    output.hide(typed_secrets(arguments), anew=True)
    verbose = "-v" in arguments or "--verbose" in arguments
    try:
        with output.guarded_stdout():
            code: object = typer.main.get_command(app).main(arguments, prog_name="etstats", standalone_mode=False)
            print(end="", flush=True)  # here, where it can still be told that nobody reads
        return _interrupted() if code == INTERRUPTED else code if isinstance(code, int) else 0
    except EtstatsError as error:
        if verbose:
            output.say_exception()
        # Under cron a run that meets another one is everyday, and nothing to be mailed.
        if not (isinstance(error, LockedError) and {"-q", "--quiet"} & set(arguments)):
            with suppress(OSError):  # stderr may lead to the same full disk
                output.say(f"etstats: {error}")
        if isinstance(error, OutputError):
            _unread()
        return error.exit_code
    except typer.TyperException as error:  # a wrong option or argument, in the words of the option's own command
        return _usage(error, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        return _unread()
    except SystemExit as leaving:  # how typer and rich leave when a pipe is closed
        if not isinstance(leaving.__context__, BrokenPipeError):
            raise
        return _unread()
    except Exception as fault:  # noqa: BLE001  # nobody but a developer should meet a traceback
        return _fault(fault, verbose=verbose)


def _fault(fault: Exception, *, verbose: bool) -> int:
    """A fault of the program: the traceback goes to the log, and with `-v` to the terminal."""
    import logging

    from etstats import output

    log = logging.getLogger("etstats")
    if log.hasHandlers():  # else Python would print it
        log.error("fault", exc_info=fault)
    if verbose:
        output.say_exception()
    output.say(f"etstats: this is a fault of etstats: {type(fault).__name__}: {fault}")
    output.say(
        "Please report it with what -v shows. Nothing half-done was kept; the same command may be run again."
    )
    return EtstatsError.exit_code


def _usage(error: typer.TyperException, arguments: Sequence[str]) -> int:
    from etstats import output
    from etstats.commands import usage_errors

    if type(error).__name__ == "NoArgsIsHelpError":
        return 2  # the help was shown when the error was made
    output.say(f"etstats: {usage_errors.told(error, typer.main.get_command(app), arguments)}")
    return 2


def _unread() -> int:
    """The reader (head, less) has seen enough; what is still to be written goes nowhere, without a word."""
    with Path(os.devnull).open("wb") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    return 0


def _interrupted() -> int:
    from etstats import output

    output.say("etstats: interrupted; what was done stays, run it again for the rest")
    return INTERRUPTED


def run() -> None:
    """The entry point of the installed command."""
    # Hardly anything here goes in circles: to look for garbage as often as Python does by itself costs an import a
    # twentieth of its time.
    gc.set_threshold(5_000)
    # Like Ctrl-C, so that unfinished files and scratch databases are removed on the way out.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, signal.default_int_handler)
    complete_environment()
    prepare_standard_streams()
    sys.exit(main())
