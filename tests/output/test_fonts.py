"""Tests of fonts in pictures: each run has one font, and marks stay with their letter."""

import pytest

from etstats.output.fonts import split


@pytest.mark.parametrize("word", ["เสือ", "हिन्दी", "שָׁלוֹם", "e\u0301", "漢字", "👻\ufe0f", "\u0301"])
def test_word_of_one_script_is_one_run(word: str) -> None:
    """A mark in another font would be drawn on a dotted circle."""
    assert [run for run, _ in split(word, 20)] == [word]
