"""Tests that texts of lists are complete in 80 columns."""

import json
from collections.abc import Callable

import pytest

from tests.conftest import CliResult

Cli = Callable[..., CliResult]


@pytest.fixture
def database_url(filled_url: str) -> str:
    """Return the URL of the database with the generated sessions."""
    return filled_url


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("awards", "--list"), "formula"),
        (("leaderboard",), "meaning"),
        (("achievements",), "unit"),
        (("awards",), "text"),
        (("validate",), "value"),
        (("rounds",), "map_name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_narrow_lists_keep_every_word(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], key: str
) -> None:
    """Each word of a description, a value or a map's name is complete."""
    rows = json.loads(cli(*words, "--json").out)
    rows = rows if isinstance(rows, list) else rows["awards"]
    assert rows
    monkeypatch.setenv("COLUMNS", "80")
    shown = cli(*words).out
    assert max(map(len, shown.splitlines())) <= 80
    missing = {word for row in rows for word in str(row[key]).split()} - set(shown.split())
    assert not missing


def test_narrow_explanation_is_complete(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Field, value and rule are shown; columns that repeat the file may be dropped."""
    player = json.loads(cli("round", "last", "--json").out)["players"][0]["player_guid"]
    numbers = json.loads(cli("explain", "last", player, "--json").out)["numbers"]
    monkeypatch.setenv("COLUMNS", "80")
    shown = set(cli("explain", "last", player).out.split())
    assert {number["field"] for number in numbers} <= shown
    assert {word for number in numbers for word in number["how"].split()} <= shown
    assert not [word for word in shown if word.endswith("000000000") and "." in word]
