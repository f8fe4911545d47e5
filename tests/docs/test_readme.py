"""The commands of the README work, on the session of its transcripts."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from etstats.demo import tour
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ etstats (.+)$", README, re.MULTILINE)


@pytest.fixture(scope="module")
def stage() -> Iterator[tour.Stage]:
    with tour.stage(7, datetime.now(UTC)) as place:
        assert tour.command(place, "-q", "sync", environment=os.environ) == 0
        yield place


@pytest.mark.parametrize("words", COMMANDS)
def test_readme_commands_work(stage: tour.Stage, words: str) -> None:
    """Every command exits with 0, except that health may report findings about a new database."""
    allowed = {0, 3} if words == "health" else {0}
    assert tour.command(stage, *words.split(), environment=os.environ) in allowed


def test_readme_links_lead_to_pages() -> None:
    """Every link of the README leads to an existing page."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
