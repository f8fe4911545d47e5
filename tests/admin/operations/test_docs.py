"""Tests that the documentation matches the settings, commands, options and messages."""

import re
import tomllib
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

import pytest

from etstats.admin import crontab
from etstats.cli import command_tree
from etstats.config import schema
from tests.support.paths import ROOT

PAGES = ("setup", "settings", "troubleshooting", "postgresql")
_SECTION = re.compile(r"^## `\[+([a-z]+)\]+`$", re.M)
_ROW = re.compile(r"^\| `([a-z_]+)`( S)? \| (?:`(.*?)`)? ?\| \S.* \|$", re.M)


def documented(page: str) -> dict[str, dict[str, tuple[bool, str | None]]]:
    """Section -> key -> (is a secret, default as written), from the first table of each section."""
    parts = _SECTION.split(page)
    return {
        name: {
            key: (bool(secret), default or None)
            for key, secret, default in _ROW.findall(text.split("elsewhere:")[0])
        }
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def defined() -> Iterator[tuple[str, str, bool, Any]]:
    """Section, key, is a secret, default; of every defined setting."""
    for section, hint in typing.get_type_hints(schema.Config).items():
        cls = schema.ServerConfig if section == "servers" else hint
        if section in {"path", "data_dir", "state_dir"}:
            continue
        for one in fields(cls):
            if one.name not in {"round", "map", "session", "channels", "servers"}:
                yield section, one.name, bool(one.metadata.get("secret")), one.default


def test_table_of_settings_matches_the_code() -> None:
    """Each setting is documented once, with its default as in TOML and its secrecy; no unknown setting."""
    page = documented((ROOT / "docs/settings.md").read_text())
    wanted: dict[str, dict[str, tuple[bool, object]]] = {}
    for section, key, secret, default in defined():
        shown = None if default in (MISSING, None) else default
        wanted.setdefault(section, {})[key] = (secret, list(shown) if isinstance(shown, tuple) else shown)
    found = {
        section: {
            key: (secret, None if default is None else tomllib.loads(f"x = {default}")["x"])
            for key, (secret, default) in keys.items()
        }
        for section, keys in page.items()
    }
    assert found == wanted


def test_example_crontab_and_units_are_current() -> None:
    """The units in docs/systemd are for play hours 18-2 and an installation of a user."""
    example = (ROOT / "crontab.example").read_text()
    wanted = crontab.block(schema.CronConfig(hours="18-2"), ["/home/et/.local/bin/etstats"], "/home/et")
    assert example[example.index(crontab.BEGIN) :] == wanted


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Return every `etstats ...` of the pages, from code spans and consoles, with its page."""
    for page in PAGES:
        text = (ROOT / f"docs/{page}.md").read_text().replace("\\\n", " ")
        prose = re.sub(r"```.*?```", "", text, flags=re.S)
        spans = [span for line in prose.splitlines() for span in re.findall(r"`([^`]+)`", line)]
        spans += re.findall(r"^\$ (.*?)(?:\s+#.*)?$", text, re.M)
        for span in spans:
            words = span.split()
            if len(words) > 1 and words[0] == "etstats" and re.fullmatch(r"[a-z]+", words[1]):
                yield page, words[1:]


def test_documented_commands_exist() -> None:
    """Each command exists and has the options with which it is shown."""
    root = command_tree()
    seen = 0
    for page, words in _commands():
        command: Any = root
        while hasattr(command, "commands") and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert command is not root, (page, words)
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, (page, command.name, words)
        seen += 1
    assert seen > 30


def test_quoted_messages_exist() -> None:
    """The messages quoted in troubleshooting exist in the program."""
    source = "\n".join(path.read_text() for path in (ROOT / "etstats").rglob("*.py"))
    joined = re.sub(r'"\s*\n\s*f?"', "", source)
    page = (ROOT / "docs/troubleshooting.md").read_text()
    quotes = [part.strip() for quote in re.findall(r'"([^"]+)"', page) for part in quote.split("...")]
    assert len(quotes) > 15
    quotes.remove("etstats: command not found")  # of the shell
    assert [quote for quote in quotes if quote.lower() not in joined.lower()] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_to_files(page: str) -> None:
    """Relative links point to existing files."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / f"docs/{page}.md").read_text()):
        assert (ROOT / "docs" / target).exists(), target


def test_units_call_existing_commands() -> None:
    """Every ExecStart is a command, and every timer has its service."""
    units = ROOT / "docs/systemd"
    root: Any = command_tree()
    for unit in units.glob("*.service"):
        line = next(line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
        if "etstats " in line:
            words = [word for word in line.partition("etstats ")[2].split() if not word.startswith("-")]
            assert words[0] in root.commands, unit
    for timer in units.glob("*.timer"):
        assert timer.with_suffix(".service").exists(), timer
