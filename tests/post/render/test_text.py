"""Tests of hostile text: escaped, never wider than its column."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.output.sanitize import clean
from etstats.post.render.text import ZERO_WIDTH_SPACE, cell, columns, escape, fit, mss, plain, short
from tests.support.hostile_names import hostile

DRAWN = re.compile(r"\\([^0-9A-Za-z\s])|(.)", re.DOTALL)


def as_discord_shows(escaped: str) -> str:
    """Return the text without escapes; fail on a special character without one."""
    shown = []
    for found in DRAWN.finditer(escaped):
        if found[1]:
            shown.append(found[1])
        else:
            assert found[2] not in set("\\*_~|`<>[]():@#"), f"{found[2]!r} is unescaped in {escaped!r}"
            shown.append(found[2])
    return "".join(shown)


def unmarked(text: str) -> str:
    """Return the text without the two marks that the renderer inserts."""
    return text.replace(ZERO_WIDTH_SPACE, "").replace("\u200e", "")


@given(hostile)
def test_clean_text_is_one_visible_line(text):
    """No control, format, surrogate or line-break character remains, and cleaning is idempotent."""
    shown = clean(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Me"}
    assert shown == shown.strip()
    assert "  " not in shown
    assert clean(shown) == shown
    shown.encode()


@given(hostile, st.integers(1, 40))
def test_escaped_text_is_shown_literally(text, width):
    """Discord shows exactly the clean text, truncated to its columns: all is escaped, no escape is split."""
    escaped = escape(text, width)
    assert unmarked(as_discord_shows(escaped)) == (fit(text, width) or "no name")
    assert not re.search(r"@(everyone|here|&|!|\d)", escaped)
    assert "://" not in escaped
    assert not re.match(r"-|\d+\.", escaped)


@given(hostile, st.integers(2, 20))
def test_cell_has_the_width_of_its_column(text, width):
    """Columns after a hostile name stay aligned, and the code block stays closed."""
    made = cell(text, width)
    assert columns(made) == width
    assert "`" not in made
    assert "\n" not in made
    assert "@everyone" not in made


@given(hostile, st.integers(1, 30))
def test_fitted_text_ends_after_a_complete_letter(text, width):
    """Truncated text ends with an ellipsis after a complete letter with its marks."""
    shown = fit(text, width)
    assert columns(shown) <= width
    whole = clean(text)
    assert shown == whole or (shown.endswith("…") and whole.startswith(shown[:-1]))


@given(hostile)
def test_plain_text_pings_nobody(text):
    """Footers and authors have no escapes, and contain no mentions."""
    assert not re.search(r"@(everyone|here)", plain(text))


@given(st.text(alphabet="e\u0301\u0302\u0303", min_size=1, max_size=60))
def test_combining_marks_are_limited(text):
    """At most two combining marks stay on a letter."""
    run = 0
    for char in clean(text):
        run = run + 1 if unicodedata.category(char) == "Mn" else 0
        assert run <= 2


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        ("a_b*c", r"a\_b\*c"),
        ("@everyone", "\\@\u200beveryone"),
        ("](http://x)", "\\]\\(http\\:\u200b//x\\)"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("1 a 2.", "1 a 2."),
        (":skull:", r"\:skull\:"),
        ("\\*", r"\\\*"),
        ("\u202e\u200b", "no name"),
    ],
)
def test_special_characters_are_escaped(raw, escaped):
    """Each special character has its backslash, a list its own, an @ and a link a break."""
    assert escape(raw) == escaped


def test_right_to_left_text_does_not_move_numbers():
    """A Hebrew name is between two marks, so the following text stays in place."""
    assert cell("\u05d0\u05d1", 4) == "\u200e\u05d0\u05d1\u200e  "
    assert escape("abc") == "abc"


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.0K"), (3149, "3.1K"), (12_345, "12.3K"), (99_949, "99.9K"),
     (99_950, "100K"), (312_499, "312K"), (999_500, "1.0M"), (1_234_567, "1.2M"), (250_000_000, "250M"),
     (4_000_000_000, "4000M")],
)  # fmt: skip
def test_thousands_are_shortened(number, shown):
    """At most five columns, rounded, never `1000K`."""
    assert short(number) == shown
    assert len(shown) <= 5


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (65, "1:05"), (600, "10:00"), (7325, "122:05"), (None, "-")]
)
def test_times_are_minutes_and_seconds(seconds, shown):
    """M:SS, also above an hour; unknown is a dash."""
    assert mss(seconds) == shown
