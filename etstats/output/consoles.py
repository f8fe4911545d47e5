"""The two consoles: data goes to stdout; talk goes to stderr, with no secret in it."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from etstats.output.sanitize import printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Console

_hidden: list[str] = []


@cache
def out() -> "Console":
    """The console of the data."""
    return _console(stderr=False)


@cache
def err() -> "Console":
    """The console of the talk."""
    return _console(stderr=True)


def hide(secrets: Iterable[str], *, anew: bool = False) -> tuple[str, ...]:
    """From now on let none of these texts be said, nor (unless `anew`) those hidden before; return all of them."""
    if anew:
        _hidden.clear()
    _hidden.extend(secrets)
    return tuple(_hidden)


def say(message: str) -> None:
    """Talk to the person at the terminal: stderr."""
    if _hidden:
        from etstats.logs import redact

        message = redact(message, _hidden)
    err().print(printable_lines(message), soft_wrap=True)


def say_exception() -> None:
    """Say the traceback of the exception that is being handled."""
    import traceback

    say(traceback.format_exc().rstrip())


def write(message: str, *, indent: int = 0, bold: bool = False) -> None:
    """Write a paragraph to stdout, wrapped between words at the terminal's width, all its lines indented."""
    from rich.padding import Padding
    from rich.text import Text

    out().print(Padding(Text(printable(message), style="bold" if bold else ""), (0, 0, 0, indent), expand=False))


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for long work that reports (done, total), on stderr; nothing at all where that is not a terminal."""
    if not sys.stderr.isatty() or not err().is_terminal:  # rich is not loaded for cron
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    label = TextColumn("{task.description}", markup=False)
    columns = (label, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task(printable(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _console(*, stderr: bool) -> "Console":
    import shutil

    from rich.console import Console, ConsoleDimensions

    console = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal or console.is_dumb_terminal:
        # Nothing is cut for a pipe or a file unless COLUMNS says so, which rich does not ask for a dumb terminal.
        width, height = shutil.get_terminal_size((80 if console.is_terminal else 10_000, 25))
        console.size = ConsoleDimensions(width, height)
    return console
