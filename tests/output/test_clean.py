"""Tests of cleaning text from outside."""

from hypothesis import given
from hypothesis import strategies as st

from etstats.output.sanitize import clean

COMMON = st.one_of(st.characters(max_codepoint=0x2FF), st.characters(min_codepoint=0x2000, max_codepoint=0x2030))


@given(st.text(COMMON))
def test_fast_path_cleans_like_the_rules(text: str) -> None:
    """The fast path for common text gives the same result as the rules."""
    assert clean(text) == clean(text + "\N{ZERO WIDTH SPACE}")
