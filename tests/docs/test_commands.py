"""docs/commands.md is what the commands say of themselves."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from rich.text import Text
from typer.main import get_group

from etstats.cli import COMMANDS, command_tree
from tests.support.paths import ROOT

TREE = command_tree().commands


def test_commands_page_is_current(tmp_path: Path) -> None:
    """`make docs` writes the page; after a change of a command it must be run again."""
    made = tmp_path / "commands.md"
    subprocess.run([sys.executable, ".ci/commands_page.py", str(made)], check=True, cwd=ROOT)
    assert (ROOT / "docs" / "commands.md").read_text() == made.read_text(), "run: make docs"


def test_command_list_is_complete() -> None:
    """`etstats --help` lists all commands with the summaries of their own help."""
    modules = (path.stem for path in (ROOT / "etstats" / "commands").glob("*.py"))
    families = [
        app for name in modules if (app := getattr(import_module(f"etstats.commands.{name}"), "app", None))
    ]
    defined = {name: command for family in families for name, command in get_group(family).commands.items()}
    listed = {name: entry.summary for panel in COMMANDS.values() for name, entry in panel.items()}
    assert listed == {
        name: " ".join((command.help or "").split("\n\n")[0].split()) for name, command in defined.items()
    }


@pytest.mark.parametrize("name", sorted(TREE))
def test_brackets_in_help_texts_are_shown(name: str) -> None:
    """`[discord] kinds` is the name of a setting, not markup."""
    command = TREE[name]
    for one in [command, *getattr(command, "commands", {}).values()]:
        for text in [one.help, *(param.help for param in one.params)]:
            assert Text.from_markup(text).plain == text.replace("\\[", "[")


@pytest.mark.parametrize("name", sorted(TREE))
def test_every_command_has_an_example_and_exit_codes(name: str) -> None:
    """Each help text has an example and the exit codes, which groups leave to their members."""
    command = TREE[name]
    assert "Example: etstats" in (command.help or ""), name
    for one in getattr(command, "commands", {name: command}).values():
        assert one.help
        assert re.search(r"Example", one.help), one.name
        assert "Exit codes" in one.help, one.name
