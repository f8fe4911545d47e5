"""Fixtures: new consoles for each test."""

from collections.abc import Iterator

import pytest

from etstats import output


@pytest.fixture(autouse=True)
def consoles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Reset the consoles and the terminal variables."""
    for wish in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(wish, raising=False)
    output.out.cache_clear()
    output.err.cache_clear()
    yield
    output.out.cache_clear()
    output.err.cache_clear()
