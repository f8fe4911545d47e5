"""Tests of the pictures: valid PNG files with any names and numbers of players."""

import io
import subprocess
import sys

import pytest
from PIL import Image

from etstats.output.canvas import readable
from etstats.output.fonts import split, text_width
from etstats.output.sanitize import clean_part
from etstats.post.render.pictures import scoreboard, session
from tests.post.render import samples
from tests.support.hostile import HOSTILE


def picture(png: bytes) -> Image.Image:
    """Return the PNG as pixels."""
    shown = Image.open(io.BytesIO(png))
    assert shown.format == "PNG"
    return shown.convert("RGB")


@pytest.mark.parametrize("count", [0, 1, 4, 12, 32])
@pytest.mark.parametrize(
    "draw",
    [lambda count: scoreboard(samples.a_map(count)), lambda count: session(samples.a_session(count))],
)
def test_every_number_of_players_fits(draw, count):
    """1080 pixels wide, with a size that Discord accepts, and nothing outside the edges."""
    png = draw(count)
    shown = picture(png)
    assert shown.width == 1080
    assert len(png) < 2 * 2**20
    for edge in (shown.crop((0, 0, 12, shown.height)), shown.crop((1068, 0, 1080, shown.height))):
        assert edge.getcolors() == [(edge.width * edge.height, (0x12, 0x14, 0x1A))]


def test_hostile_names_are_drawn_as_text():
    """No name is read as a formula, warns of a missing glyph, or leaves its column."""
    line = samples.named(*HOSTILE, "$x_{2", "a\nb", "\\", "\ud800", "x" * 100_000)
    hostile = "$\\alpha$ \u202e" + "🔥" * 40
    shown = picture(scoreboard(samples.a_map(players=line, map_name=hostile, server=hostile)))
    assert shown.crop((1068, 0, 1080, shown.height)).getcolors() is not None
    assert picture(session(samples.a_session(players=line, server=hostile))).width == 1080


def test_name_keeps_its_colours():
    """The pixels of a red and green name are red and green."""
    one = samples.player(0, clean_name="WWWWMMMM", player_name="^1WWWW^2MMMM")
    shown = picture(scoreboard(samples.a_map(players=(one,), rounds=())))
    colours = {colour for _, colour in shown.getcolors(1 << 20) or ()}
    assert {(255, 0, 0), (0, 255, 0)} <= colours


@pytest.mark.parametrize("colour", ["#000000", "#0000ff", "#330000"])
def test_dark_colours_are_lightened(colour):
    """Dark colours are lightened."""
    red, green, blue = (int(readable(colour)[at : at + 2], 16) for at in (1, 3, 5))
    assert 0.2126 * red + 0.7152 * green + 0.0722 * blue > 100


def test_invalid_colour_is_replaced():
    """An invalid colour is replaced."""
    assert readable("url(x)") == readable("#12345") == "#eceff5"


@pytest.mark.parametrize("text", ["Bär", "漢字かな한글", "🔥⭐💀", "שלום", "Ж→★", "Ж 漢字 เสือ!"])
def test_every_script_has_glyphs(text):
    """No character is drawn as a missing glyph."""
    assert "".join(run for run, _ in split(text, 24)) == text


def test_character_without_a_glyph_is_a_box():
    """The letters around it stay."""
    assert "".join(run for run, _ in split("a\U0010fffeb", 24)) == "a□b"
    assert text_width("MM", 10) == pytest.approx(2 * text_width("M", 10), abs=1)
    assert clean_part(" a\u200b b ") == " a b "
    assert (clean_part(" "), clean_part("\u200b")) == (" ", "")


def test_unknown_scores_and_rounds_are_not_drawn():
    """Unknown values are omitted, not drawn as zero."""
    full = picture(session(samples.a_session(6)))
    bare = picture(session(samples.a_session(6, score=None, dpm_series=(), maps=0)))
    assert bare.height < full.height - 600


def test_forty_maps_fit_on_one_line():
    """Forty maps fit on one line."""
    assert picture(session(samples.a_session(12, maps=40))).width == 1080


def test_run_without_pictures_does_not_load_pillow():
    """Pillow is imported for the first picture only."""
    modules = "etstats.post.publish.rendering, etstats.post.render.summaries"
    code = f"import sys, {modules}; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
