"""Tests of the preview in the terminal."""

import io
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from etstats.post.render import terminal as terminal_preview
from etstats.post.render.message import Embed, Message
from etstats.post.render.preview import StyledText, preview
from etstats.post.render.summaries import map_message, round_message, session_message
from etstats.post.render.terminal import draw
from etstats.post.render.text import fit
from tests.post.render import samples
from tests.support.hostile_names import hostile


@pytest.fixture
def terminal(monkeypatch):
    """Return a recording terminal: call it to get the output, optionally with styles."""
    console = Console(
        record=True, force_terminal=True, color_system="truecolor", width=80, highlight=False, file=io.StringIO()
    )
    monkeypatch.setattr(terminal_preview, "out", lambda: console)
    return lambda *, styles=False: console.export_text(styles=styles)


def test_styles_are_applied_and_escapes_removed():
    """Bold, times and mentions are styles; an escaped star is a star."""
    message = Message(
        embeds=(
            Embed(title="a\\_b", colour=0x3B82F6, description="**x\\*y** z\n<t:0:f> <@12>\n\n```\na **b**\n```"),
        )
    )
    (card,) = preview(message, ZoneInfo("Europe/Ljubljana")).cards
    assert card.colour == "#3b82f6"
    assert "".join(span.text for span in card.title) == "a_b"
    first, second, empty, code = card.blocks[0].lines
    assert first == (StyledText("x", "bold"), StyledText("*", "bold"), StyledText("y", "bold"), StyledText(" z"))
    assert second == (StyledText("1970-01-01 01:00", "moment"), StyledText(" "), StyledText("@12", "mention"))
    assert empty == ()
    assert code == (StyledText("a **b**", "code"),)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(hostile, min_size=1, max_size=3))
def test_hostile_names_are_shown_cleaned(terminal, names):
    """The podium shows the clean name, without control characters."""
    draw(round_message(samples.a_round(players=samples.named(*names))))
    drawn = terminal()
    assert (fit(names[0], 16) or "no name") in drawn.replace("\n", " ")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e]", drawn)


def test_message_is_shown_with_its_sizes(terminal):
    """Author, title, names, picture path, mention and sizes are shown, with the coloured bar."""
    view = samples.a_session(4, milestones=(samples.a_milestone("Anvil", mention="42"),))
    draw(session_message(view, picture=True), {"session.png": Path("/var/pictures/session.png")})
    drawn = terminal(styles=True)
    for part in ("Sample server", "Session complete", "Anvil", "/var/pictures/session.png", "@42", "/6000"):
        assert part in drawn
    assert "\x1b[38;2;139;92;246m▌" in drawn


def test_oversized_values_are_red(terminal):
    """A size above its limit is marked."""
    draw(Message(embeds=(Embed(title="x" * 300, colour=0),)))
    assert "\x1b[1;31mtitle 300/256" in terminal(styles=True)


def test_missing_picture_is_named(terminal):
    """Without a path the picture's name is shown; the footer has a line per file."""
    draw(map_message(samples.a_map(2), picture=True))
    drawn = terminal()
    assert "picture: scoreboard.png" in drawn
    assert len(re.findall(r"▌ 2025-10-02-\d{6}-sw_goldrush_te-round-\d\.txt", drawn)) == 2
