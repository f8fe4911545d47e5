"""The two consoles: data goes to stdout; messages go to stderr, without secrets."""

import re
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from etstats.logs import redact
from etstats.output.sanitize import printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Console

_PROGRAMS = "etstats|ssh-keygen|ssh-copy-id|systemctl|chmod"
_KEPT = re.compile(rf"(?<=: )(?:{_PROGRAMS}) [^;,()]*?(?=\. | \(|[;,)]|\.?$)|\[[^]]{{1,60}}\]")
"""A command, or a text in brackets: not wrapped."""
_NO_BREAK = "\0"
_hidden: list[str] = []
_is_due: Callable[[str], bool] | None = None
_is_quiet = False


@cache
def out() -> "Console":
    """Return the console of stdout, for data."""
    return _console(stderr=False)


@cache
def err() -> "Console":
    """Return the console of stderr, for messages."""
    return _console(stderr=True)


def hide(secrets: Iterable[str], *, anew: bool = False) -> tuple[str, ...]:
    """Hide these texts in messages, in addition to (with `anew`: instead of) earlier ones; return all of them."""
    if anew:
        _hidden.clear()
    _hidden.extend(secrets)
    return tuple(_hidden)


def limit_repeats(is_due: Callable[[str], bool] | None) -> None:
    """Write only messages for which `is_due` returns true; None: all."""
    global _is_due  # noqa: PLW0603  # one console per process
    _is_due = is_due


def is_due(problem: str) -> bool:
    """Return whether to write a problem now, and record it as written."""
    return _is_due is None or _is_due(problem)


def set_quiet(is_quiet: bool) -> None:
    """Disable notes, for `-q`."""
    global _is_quiet  # noqa: PLW0603  # as above
    _is_quiet = is_quiet


def note(message: str) -> None:
    """Write an informational message to stderr."""
    if not _is_quiet:
        say(message)


def say(message: str, *, problem: str | None = None) -> None:
    """Write a message to stderr, without control characters and hidden secrets.

    `problem` identifies what it reports, if another command reports it in other words; None: the message itself.
    """
    if is_due(problem or message):
        shown = printable_lines(redact(message, _hidden))
        if sys.stderr.isatty():
            shown = "\n".join(wrapped(line, shutil.get_terminal_size().columns) for line in shown.split("\n"))
        print(shown, file=sys.stderr, flush=True)


def wrapped(line: str, width: int, *, indent: int | None = None) -> str:
    """Wrap a line between words, but not in a command, so that it can be copied; `indent` None: the line's own."""
    import textwrap  # noqa: PLC0415  # only for terminals

    indent = len(line) - len(line.lstrip()) if indent is None else indent
    kept = _KEPT.sub(lambda kept: kept[0].replace(" ", _NO_BREAK), line)
    filled = textwrap.fill(
        kept, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    return filled.replace(_NO_BREAK, " ")


def say_exception() -> None:
    """Write the traceback of the current exception to stderr."""
    say(traceback.format_exc().rstrip())


def write(message: str, *, indent: int = 0, bold: bool = False) -> None:
    """Write a paragraph to stdout, wrapped at the terminal's width, with all lines indented."""
    from rich.padding import Padding  # noqa: PLC0415  # rich
    from rich.text import Text  # noqa: PLC0415  # rich

    out().print(Padding(Text(printable(message), style="bold" if bold else ""), (0, 0, 0, indent), expand=False))


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that updates a progress bar on stderr with (done, total); no bar without a terminal."""
    if not sys.stderr.isatty() or not err().is_terminal:  # rich is not loaded for cron
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415  # rich

    label = TextColumn("{task.description}", markup=False)
    columns = (label, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task(printable(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console, ConsoleDimensions  # noqa: PLC0415  # rich

    console = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal or console.is_dumb_terminal:
        # Do not truncate for a pipe or a file unless COLUMNS is set, which rich ignores for a dumb terminal.
        width, height = shutil.get_terminal_size((80 if console.is_terminal else 10_000, 25))
        console.size = ConsoleDimensions(width, height)
    return console
