"""The pictures: real PNG files of a phone's width, whatever the names and however many players."""

import io
import subprocess
import sys
from dataclasses import replace

import pytest
from PIL import Image

from etstats.post.render.canvas import drawable, readable, text_width, visible
from etstats.post.render.charts import scoreboard_png, session_png
from tests.post.render import samples
from tests.support.paths import ROOT


def picture(png: bytes) -> Image.Image:
    """The PNG as pixels."""
    shown = Image.open(io.BytesIO(png))
    assert shown.format == "PNG"
    return shown.convert("RGB")


@pytest.mark.parametrize("count", [0, 1, 4, 12, 32])
@pytest.mark.parametrize(
    "draw", [lambda n: scoreboard_png(samples.a_map(n)), lambda n: session_png(samples.a_session(n))]
)
def test_every_number_of_players_fits(draw, count):
    """1080 pixels wide, a size that Discord takes, and nothing is drawn over the edges."""
    png = draw(count)
    shown = picture(png)
    assert shown.width == 1080
    assert len(png) < 2 * 2**20
    for edge in (shown.crop((0, 0, 12, shown.height)), shown.crop((1068, 0, 1080, shown.height))):
        assert edge.getcolors() == [(edge.width * edge.height, (0x12, 0x14, 0x1A))]


def test_hostile_names_are_drawn_as_text():
    """No name is read as a formula, none warns of a glyph that is missing, none breaks out of its column."""
    line = samples.named(*samples.HOSTILE, "$x_{2", "a\nb", "\\", "\ud800", "x" * 100_000)
    line = tuple(replace(one, colour_runs=(("#ff0000", one.name), ("red;", one.name))) for one in line)
    hostile = "$\\alpha$ \u202e" + "🔥" * 40
    shown = picture(scoreboard_png(samples.a_map(players=line, map_name=hostile, server=hostile)))
    assert shown.crop((1068, 0, 1080, shown.height)).getcolors() is not None
    assert picture(session_png(samples.a_session(players=line, server=hostile))).width == 1080


def test_a_name_keeps_its_colours():
    """The pixels of a red and green name are red and green."""
    one = samples.player(0, name="WWWWMMMM", colour_runs=(("#ff0000", "WWWW"), ("#00ff00", "MMMM")))
    shown = picture(scoreboard_png(samples.a_map(players=(one,), rounds=())))
    colours = {colour for _, colour in shown.getcolors(1 << 20)}
    assert {(255, 0, 0), (0, 255, 0)} <= colours


@pytest.mark.parametrize("colour", ["#000000", "#0000ff", "#330000"])
def test_dark_colours_are_lightened(colour):
    """What would drown in the dark ground can be read."""
    red, green, blue = (int(readable(colour)[at : at + 2], 16) for at in (1, 3, 5))
    assert 0.2126 * red + 0.7152 * green + 0.0722 * blue > 100


def test_a_colour_that_is_none_is_the_ink():
    """A colour from outside cannot be anything but a colour."""
    assert readable("url(x)") == readable("#12345") == "#eceff5"


def test_what_the_font_lacks_is_a_box():
    """Letters stay, a character without a glyph becomes one box."""
    assert drawable("Bär漢Ж") == "Bär□Ж"
    assert text_width("MM", 10) == pytest.approx(2 * text_width("M", 10))
    assert visible(" a\u200b b ") == " a b "
    assert (visible(" "), visible("\u200b")) == (" ", "")


def test_an_evening_without_scores_or_rounds_is_drawn_without_those_parts():
    """What is not known is left out, not drawn as nothing."""
    full = picture(session_png(samples.a_session(6)))
    bare = picture(session_png(samples.a_session(6, score=None, dpm_series=(), maps=0)))
    assert bare.height < full.height - 600


def test_a_long_season_of_an_evening_fits():
    """Forty maps on one line."""
    assert picture(session_png(samples.a_session(12, maps=40))).width == 1080


def test_the_settings_of_the_machine_do_not_matter(tmp_path):
    """A matplotlibrc in the current folder that asks for TeX and tight boxes changes nothing."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nsavefig.bbox: tight\nsavefig.dpi: 30\n")
    code = (
        "import sys; from tests.post.render import samples; from etstats.post.render.charts import scoreboard_png;"
        "sys.stdout.buffer.write(scoreboard_png(samples.a_map(2)))"
    )
    root = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {code}"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    assert done.stdout == scoreboard_png(samples.a_map(2))


def test_nothing_is_said_where_the_home_cannot_be_written(tmp_path):
    """A machine whose user has no home for matplotlib's cache still draws in silence."""
    (tmp_path / "file").touch()
    code = (
        "from tests.post.render import samples; from etstats.post.render import charts;"
        "charts.scoreboard_png(samples.a_map(2))"
    )
    env = {"MPLCONFIGDIR": str(tmp_path / "file" / "x")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_run_without_pictures_never_loads_matplotlib():
    """The door to the pictures is light."""
    modules = "etstats.post.render.charts, etstats.post.render.summaries"
    code = f"import sys, {modules}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
