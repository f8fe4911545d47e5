"""docs/commands.md is what the commands say of themselves."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from etstats.cli import app
from tests.support.paths import ROOT

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # the root is a group


def test_the_page_is_current(tmp_path: Path) -> None:
    """It is written by `make docs`; a command that changed asks for it again."""
    made = tmp_path / "commands.md"
    call = [
        sys.executable,
        "-m",
        "typer",
        "etstats.cli",
        "utils",
        "docs",
        "--name",
        "etstats",
        "--title",
        "Commands",
    ]
    subprocess.run([*call, "--output", str(made)], check=True, cwd=ROOT, capture_output=True)
    assert (ROOT / "docs" / "commands.md").read_text() == made.read_text(), "run: make docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_its_exit_codes(name: str) -> None:
    """Its help says what it does, shows one use, and lists how it may end; a group's members say so themselves."""
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    for one in getattr(command, "commands", {name: command}).values():
        assert one.help
        assert re.search(r"Example", one.help), one.name
        assert "Exit codes" in one.help, one.name
