"""Tests with processes on a pseudo-terminal and with stdout in a pipe."""

import os
import pty
import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from etstats import output
from etstats.output.colours import readable
from etstats.output.columns import Column, filename, sentence, text
from etstats.output.terminal_table import fitted
from tests.support.processes import Process

LONG = "A name of thirty-six characters, yes"


class Described(NamedTuple):
    """A row of a name and a sentence."""

    key: str
    words: str


DRAW = f"""
from etstats import output
from tests.output.rows import Line, table
output.show(table(Line(player_name="^1{LONG}", map="a_map_with_quite_a_long_name", kills=987654)))
"""


def terminal_output(*, terminal: bool, **environment: str) -> str:
    """Return the output on a terminal of 80 columns, or in a pipe, with these variables only."""
    command = [sys.executable, "-c", DRAW]
    if not terminal:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    ours, theirs = pty.openpty()
    with Process(command, env=environment, stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while some := os.read(ours, 65536):
                shown += some
        except OSError:  # how a pseudo-terminal says that the other side is gone
            pass
        os.close(ours)
        assert process.wait() == 0, shown
    return shown.decode()


def test_name_is_coloured_on_a_terminal() -> None:
    """The in-game red is shown in a colour that is readable on black and on white."""
    assert "\x1b[38;2;" in terminal_output(terminal=True, TERM="xterm-256color", COLORTERM="truecolor")


@pytest.mark.parametrize(
    "wish", [{"TERM": "xterm-256color", "NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"]
)
def test_no_color_disables_colours(wish: dict[str, str]) -> None:
    """NO_COLOR disables colours, a dumb terminal all escapes."""
    shown = terminal_output(terminal=True, **wish)
    assert LONG[:8] in shown
    assert not re.search(r"\x1b\[[\d;]*(3|4|9|10)[0-8][;m]", shown)
    assert wish["TERM"] != "dumb" or "\x1b" not in shown


@pytest.mark.parametrize("term", ["dumb", "xterm"])
@pytest.mark.parametrize("columns", [50, 132])
def test_columns_sets_the_width(term: str, columns: int) -> None:
    """COLUMNS sets the width, also of a dumb terminal."""
    shown = terminal_output(terminal=True, TERM=term, NO_COLOR="1", COLUMNS=str(columns))
    widest = max(len(re.sub(r"\x1b\[[\d;]*m", "", line).rstrip("\r")) for line in shown.splitlines())
    assert columns - 12 < widest <= columns
    assert "987,654" in shown


def test_pipe_has_no_width() -> None:
    """A pipe has no width and no colours: all columns are complete."""
    shown = terminal_output(terminal=False, TERM="xterm-256color", COLORTERM="truecolor")
    assert LONG in shown
    assert "a_map_with_quite_a_long_name" in shown
    assert "In a wider terminal" not in shown
    assert "\x1b" not in shown


def test_columns_sets_the_width_of_a_pipe() -> None:
    """COLUMNS also sets the width of a pipe."""
    assert max(map(len, terminal_output(terminal=False, COLUMNS="60").splitlines())) <= 60


@pytest.mark.parametrize("columns", ["", "abc", "0", "-5"])
def test_invalid_columns_is_ignored(columns: str) -> None:
    """An invalid COLUMNS is ignored."""
    assert LONG in terminal_output(terminal=False, COLUMNS=columns)


@pytest.mark.parametrize("width", range(1, 120, 7))
def test_text_is_shortened_before_columns_are_dropped(width: int) -> None:
    """Numbers keep their width, text has a readable minimum, and two columns are always kept."""
    columns = [
        Column(key="player_name", heading="Player", is_name=True, shrinks=True),
        Column(key="kills", heading="Kills"),
        Column(key="map", heading="Map", shrinks=True),
        Column(key="deaths", heading="Deaths"),
    ]
    widest = [36, 7, 20, 6]
    found = fitted(columns, widest, width)
    widths = list(found.values())
    assert len(widths) >= 2
    assert list(found) == [0, 1, 2, 3][: len(widths)], "the last columns go first"
    assert widths[1] == 7
    assert 14 <= widths[0] <= 36
    assert len(widths) < 3 or 8 <= widths[2] <= 20
    assert len(widths) == 2 or sum(widths) + 3 * len(widths) - 1 <= width
    if len(widths) < 4:
        least = [14, 7, 8, 6][: len(widths) + 1]
        assert sum(least) + 3 * len(least) - 1 > width


@pytest.mark.parametrize("width", [30, 45, 80, 200])
def test_sentences_are_wrapped(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence is wrapped: all words are shown, in order."""
    monkeypatch.setenv("COLUMNS", str(width))
    output.out.cache_clear()
    words = "damage received per death, with five deaths or more in the rounds of one session"
    columns = [Column(key="key", heading="Award"), sentence("words", "For")]
    output.show(output.Table(title="", columns=columns, rows=[Described("tank", words)], empty=""))
    output.out.cache_clear()
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= max(width, 36)
    assert words in " ".join(shown.replace("tank", "").split())


@pytest.mark.parametrize("width", range(20, 160, 7))
def test_important_columns_are_kept(width: int) -> None:
    """File name and reason are kept before other columns, at readable widths."""
    columns = [
        Column(key="server", heading="Server", shrinks=True),
        filename(),
        Column(key="size", heading="Bytes"),
        text("reason", "Reason", least=24, importance=2),
    ]
    found = fitted(columns, [8, 48, 7, 60], width)
    assert {1, 3} <= found.keys()
    assert found[1] >= 30
    assert found[3] >= 24


@pytest.mark.parametrize("colour", ["#000000", "#808080", "#c0c0c0", "#ffffff"])
def test_greys_use_the_default_colour(colour: str) -> None:
    """Black, white and greys use the default colour."""
    assert readable(colour) == "default"


@pytest.mark.parametrize("colour", ["#ff0000", "#00ff00", "#0000ff", "#ffff00", "#000080", "#ccffcc", "#804000"])
def test_colours_have_contrast_on_black_and_white(colour: str) -> None:
    """The contrast (WCAG 2) to black and to white is at least about 3:1."""
    channels = [int(readable(colour)[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert (luminance + 0.05) / 0.05 >= 2.9
    assert 1.05 / (luminance + 0.05) >= 2.9


def test_json_and_csv_do_not_load_rich() -> None:
    """JSON and CSV do not load rich."""
    code = (
        "import sys; from etstats import output; from tests.output.rows import Line, table;"
        "output.show(table(Line()), output.Format.JSON); output.show(table(Line()), output.Format.CSV);"
        "sys.exit('rich' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_commands_are_not_wrapped(width: int) -> None:
    """A message wraps between words, and a command in it stays on one line, so that it can be copied."""
    command = "ssh-keygen -R '[game.example.org]:2222' && etstats config check --trust"
    for message in (
        f"the key has changed. Run: {command} (since today)",
        f"  one, run: {command}. If not, wait",
        f"x: {command}",
    ):
        shown = output.wrapped(message, width)
        assert command in shown
        assert " ".join(shown.split()) == " ".join(message.split())
        others = shown.replace(command, "").splitlines()
        assert all(len(line) <= width for line in others)
