"""Every command that a page or a help text names exists, with these options and values."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from etstats.cli import COMMANDS, app
from tests.support.paths import ROOT

PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")),
]
INLINE = re.compile(r"`etstats ([^`]+)`")
EXAMPLE = re.compile(r"^Example: (etstats .+)$", re.MULTILINE)
IN_BLOCK = re.compile(r"^\s*\$? ?etstats ([^\[{\n]+)$", re.MULTILINE)
PLACEHOLDERS = {"ID": "7", "N": "3", "DATE": "2025-10-02", "YYYY-QN": "2025-Q4", "WHEN": "24h", "...": ""}
"""Words of a page that stand for a number or a time, and a value that is valid."""
_INCOMPLETE = {"MissingParameter", "NoArgsIsHelpError", "BadOptionUsage"}
"""Prose may leave out arguments, and the value of the last option."""


def named_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of a page, with values for placeholders; continued lines are joined."""
    text = text.replace("\\\n", " ")
    blocks = "".join(re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    examples = "; ".join(["", *EXAMPLE.findall(text)]).split("; etstats ")[1:]
    for line in [*INLINE.findall(text), *examples, *IN_BLOCK.findall(blocks)]:
        words = shlex.split(line, comments=True)
        yield [value for word in words if (value := PLACEHOLDERS.get(word, word))]


def parse(words: list[str]) -> None:
    """Parse the words as the command line does, and run nothing."""
    command: Any = typer.main.get_command(app)
    context = None
    name: str | None = "etstats"
    while True:
        try:
            context = command.make_context(name, words, parent=context)
        except typer.Exit:  # --help
            return
        except typer.TyperException as error:
            if type(error).__name__ in _INCOMPLETE:
                return
            raise
        if not isinstance(command, typer.core.TyperGroup):
            return
        words = [*context._protected_args, *context.args]
        if not words:
            return
        name, command, words = command.resolve_command(context, words)


@pytest.mark.parametrize("page", PAGES)
def test_documented_commands_are_valid(page: str) -> None:
    """An unknown command, option or choice and an invalid number are usage errors."""
    for words in named_commands((ROOT / page).read_text(encoding="utf-8")):
        parse(words)


@pytest.mark.parametrize(
    "words", [["nothing"], ["leaderboard", "--tops", "kd"], ["rounds", "--limit", "x"], ["db", "begin"]]
)
def test_invalid_commands_are_found(words: list[str]) -> None:
    """The parser of these tests rejects unknown commands and options, and invalid values."""
    with pytest.raises(typer.TyperException):
        parse(words)


def test_commands_are_found_in_pages() -> None:
    """Commands are found inline, in code blocks, and in the examples of the help texts."""
    found = {
        words[0] for page in PAGES for words in named_commands((ROOT / page).read_text(encoding="utf-8")) if words
    }
    assert {name for panel in COMMANDS.values() for name in panel} <= found
