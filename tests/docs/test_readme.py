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
    """It exits 0; only health may have something to say about a database that is a minute old."""
    allowed = {0, 3} if words == "health" else {0}
    assert tour.command(stage, *words.split(), environment=os.environ) in allowed


def test_readme_links_lead_to_pages() -> None:
    """No link of the README leads nowhere."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
