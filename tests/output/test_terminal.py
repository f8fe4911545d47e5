"""Real terminals and pipes: a process on a pseudo-terminal, and one whose stdout is a pipe."""

import os
import pty
import re
import subprocess
import sys

import pytest

from etstats.output.colours import readable
from etstats.output.columns import Column
from etstats.output.terminal_table import fitted

LONG = "A name of thirty-six characters, yes"
DRAW = f"""
from etstats import output
from tests.output.rows import Line, table
output.show(table(Line(player_name="^1{LONG}", map="a_map_with_quite_a_long_name", kills=987654)))
"""


def drawn(*, terminal: bool, **environment: str) -> str:
    """What a process draws on a terminal of 80 columns, or into a pipe, with just these wishes."""
    command = [sys.executable, "-c", DRAW]
    if not terminal:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while some := os.read(ours, 65536):
                shown += some
        except OSError:  # how a pseudo-terminal says that the other side is gone
            pass
        os.close(ours)
    assert process.returncode == 0, shown
    return shown.decode()


def test_a_name_has_its_colours_on_a_terminal() -> None:
    """The in-game red is drawn, as a colour that is read on black and on white."""
    assert "\x1b[38;2;" in drawn(terminal=True, TERM="xterm-256color", COLORTERM="truecolor")


@pytest.mark.parametrize(
    "wish", [{"TERM": "xterm-256color", "NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"]
)
def test_no_colour_where_none_is_wanted(wish: dict[str, str]) -> None:
    """NO_COLOR takes the colours away, a dumb terminal every escape."""
    shown = drawn(terminal=True, **wish)
    assert LONG[:8] in shown
    assert not re.search(r"\x1b\[[\d;]*(3|4|9|10)[0-8][;m]", shown)
    assert wish["TERM"] != "dumb" or "\x1b" not in shown


@pytest.mark.parametrize("term", ["dumb", "xterm"])
@pytest.mark.parametrize("columns", [50, 132])
def test_columns_is_the_width(term: str, columns: int) -> None:
    """COLUMNS says how wide a terminal is, a dumb one too."""
    shown = drawn(terminal=True, TERM=term, NO_COLOR="1", COLUMNS=str(columns))
    widest = max(len(re.sub(r"\x1b\[[\d;]*m", "", line).rstrip("\r")) for line in shown.splitlines())
    assert columns - 12 < widest <= columns
    assert "987,654" in shown


def test_nothing_is_cut_in_a_pipe() -> None:
    """A pipe has no width and no colours: every column is there in full."""
    shown = drawn(terminal=False, TERM="xterm-256color", COLORTERM="truecolor")
    assert LONG in shown
    assert "a_map_with_quite_a_long_name" in shown
    assert "In a wider terminal" not in shown
    assert "\x1b" not in shown


def test_columns_counts_in_a_pipe_too() -> None:
    """Who sets COLUMNS for a pipe gets that width."""
    assert max(map(len, drawn(terminal=False, COLUMNS="60").splitlines())) <= 60


@pytest.mark.parametrize("columns", ["", "abc", "0", "-5"])
def test_a_width_that_is_none_is_passed_over(columns: str) -> None:
    """COLUMNS that is no width is as if it were not there."""
    assert LONG in drawn(terminal=False, COLUMNS=columns)


@pytest.mark.parametrize("room", range(1, 120, 7))
def test_fitting_shortens_text_before_it_leaves_columns_out(room: int) -> None:
    """Numbers keep their width, text keeps at least what can be read, and two columns always stay."""
    columns = [
        Column(key="player_name", heading="Player", is_name=True, shrinks=True),
        Column(key="kills", heading="Kills"),
        Column(key="map", heading="Map", shrinks=True),
        Column(key="deaths", heading="Deaths"),
    ]
    widest = [36, 7, 20, 6]
    widths = fitted(columns, widest, room)
    assert len(widths) >= 2
    assert widths[1] == 7
    assert 14 <= widths[0] <= 36
    assert len(widths) < 3 or 8 <= widths[2] <= 20
    assert len(widths) == 2 or sum(widths) + 3 * len(widths) - 1 <= room
    if len(widths) < 4:
        least = [14, 7, 8, 6][: len(widths) + 1]
        assert sum(least) + 3 * len(least) - 1 > room


@pytest.mark.parametrize("colour", ["#000000", "#808080", "#c0c0c0", "#ffffff"])
def test_greys_are_the_terminals_own(colour: str) -> None:
    """Black, white and greys would vanish on one ground or the other."""
    assert readable(colour) == "default"


@pytest.mark.parametrize("colour", ["#ff0000", "#00ff00", "#0000ff", "#ffff00", "#000080", "#ccffcc", "#804000"])
def test_colours_stand_out_on_black_and_on_white(colour: str) -> None:
    """The contrast (WCAG 2) to either ground is about 3:1 or better."""
    channels = [int(readable(colour)[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert (luminance + 0.05) / 0.05 >= 2.9
    assert 1.05 / (luminance + 0.05) >= 2.9


def test_rich_is_loaded_by_who_draws_alone() -> None:
    """Who asks for JSON or CSV pays for no drawing."""
    code = (
        "import sys; from etstats import output; from tests.output.rows import Line, table;"
        "output.show(table(Line()), output.Format.JSON); output.show(table(Line()), output.Format.CSV);"
        "sys.exit('rich' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
