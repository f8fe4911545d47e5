"""Tests that text from outside is escaped for terminal, spreadsheet and page, in all formats."""

import csv
import io
import json

import pytest

from etstats import output
from etstats.output import Column, Format, Table
from tests.output.rows import HOSTILE, UNSEEN, Line, table

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("style", Format)
@pytest.mark.parametrize("evil", HOSTILE, ids=ascii)
def test_invisible_characters_are_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, evil: str, style: Format
) -> None:
    """Name, cell, heading, title, note and the sentence of an empty table are escaped."""
    monkeypatch.setenv("NO_COLOR", "1")
    columns = [*table().columns, Column(key="map", heading=evil, text=lambda value: f"<{value}>")]
    full = Table(title=evil, columns=columns, rows=[Line(player_name=evil, map=evil)], empty="", notes=[evil])
    output.show_all([full, table(title=evil, empty=evil)], style)
    written = capsys.readouterr().out
    assert not UNSEEN & set(written)


def test_markup_and_emoji_codes_are_shown_literally(capsys: Capture) -> None:
    """Markup is shown literally, everywhere."""
    markup = "[bold red]a[/] [/b] :smile:"
    output.show(table(Line(player_name=markup, map=markup), title=markup, notes=(markup,)))
    output.show(table(empty=markup))
    output.write(markup)
    output.say(markup)
    captured = capsys.readouterr()
    assert captured.out.count(markup) == 6
    assert captured.err == markup + "\n"


def test_json_escapes_control_characters(capsys: Capture) -> None:
    """Characters that act on a terminal are JSON escapes, which parse to the same text."""
    output.write_json({"names": HOSTILE})
    written = capsys.readouterr().out
    assert not UNSEEN & set(written)
    assert "\\u202e" in written
    assert "\\udb40\\udc41" in written
    assert tuple(json.loads(written)["names"]) == HOSTILE


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_cells_are_never_formulas(capsys: Capture, first: str) -> None:
    """A text that a spreadsheet would evaluate is marked as text; a negative number stays a number."""
    formula = f"{first}cmd|' /C calc'!A0"
    output.show(table(Line(player_name=f"^1 {formula}", map=formula, kills=-5)), Format.CSV)
    ((_, *_), (player, place, kills, *_)) = csv.reader(io.StringIO(capsys.readouterr().out))
    assert (player, place, kills) == (f"'{formula}", f"'{formula}", "-5")


def test_formula_after_a_line_break_is_marked(capsys: Capture) -> None:
    """A two-line text whose first line is empty is marked too, and stays one cell."""
    output.show(table(Line(map="\n=1+1")), Format.CSV)
    assert list(csv.reader(io.StringIO(capsys.readouterr().out)))[1][1] == "'\n=1+1"


def test_markdown_is_escaped(capsys: Capture) -> None:
    """Bars, emphasis, links, tags and mentions are escaped in cells and headings."""
    evil = "a|b *c* _d_ [e](f) <g> `h` #i @here ~j~ \\k"
    escaped = r"a\|b \*c\* \_d\_ \[e\]\(f\) \<g\> \`h\` \#i \@here \~j\~ \\k"
    rows = [Line(player_name=evil, map=f"{evil}\n| injected |")]
    columns = [output.name(heading=evil), output.text("map", "Map")]
    output.show(Table(title="", columns=columns, rows=rows, empty=""), Format.MARKDOWN)
    assert capsys.readouterr().out == (
        f"| {escaped} | Map |\n| --- | --- |\n| {escaped} | {escaped}\\| injected \\| |\n"
    )


def test_secrets_are_removed_from_output(capsys: Capture) -> None:
    """A hidden text appears neither in messages nor in tracebacks."""
    output.hide(["very-secret-words"])
    try:
        output.say("the address is https://example.org/very-secret-words")
        try:
            raise ValueError("very-secret-words")
        except ValueError:
            output.say_exception()
    finally:
        output.hide([])
    said = capsys.readouterr().err
    assert "very-secret-words" not in said
    assert "ValueError" in said
