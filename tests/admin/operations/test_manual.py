"""Tests of the manual pages in the terminal."""

from collections.abc import Callable

from tests.conftest import CliResult
from tests.support.paths import ROOT

Cli = Callable[..., CliResult]


def test_pages_are_listed_with_titles(cli: Cli) -> None:
    """The list has one line per page."""
    lines = cli("docs").out.splitlines()
    assert {line.split()[0] for line in lines} == {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert all(len(line.split()) > 1 for line in lines)


def test_page_is_printed_as_written(cli: Cli) -> None:
    """In a pipe a page is plain, under each of its names."""
    text = (ROOT / "docs" / "setup.md").read_text()
    assert {cli("docs", name).out for name in ("setup", "SETUP.md", "docs/setup.md")} == {text}


def test_unknown_page_gets_a_suggestion(cli: Cli) -> None:
    """The most similar page is suggested, and nothing outside the folder is read."""
    done = cli("docs", "setupp")
    assert (done.code, "did you mean setup?" in done.err) == (2, True)
    assert cli("docs", "../README").code == 2
