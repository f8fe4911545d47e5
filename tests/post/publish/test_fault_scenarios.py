"""Tests of all kinds of compact messages with all faults; `make bench` records the counts."""

import pytest

from tests.post.publish.conftest import Stage
from tests.post.publish.scenarios import MESSAGE_KINDS, meet_edit_faults, meet_faults


@pytest.mark.parametrize("kind", MESSAGE_KINDS)
def test_every_kind_survives_every_fault(stage: Stage, kind: str) -> None:
    """Nothing is lost or posted twice, and Discord's rules are followed."""
    stage.set(style="compact")
    count = meet_faults(stage, kind)
    assert (count.lost, count.twice, count.violations) == (0, 0, 0), count
    assert count.sent > count.scenarios / 2
    assert count.unknown > 0


@pytest.mark.parametrize("kind", ["round and map", "session", "morning", "status", "admin"])
def test_every_edit_survives_every_fault(stage: Stage, kind: str) -> None:
    """A message is updated after the fault, unless Discord refuses it."""
    stage.set(style="compact")
    count = meet_edit_faults(stage, kind)
    assert (count.outdated, count.twice, count.violations) == (0, 0, 0), count
    assert count.edited >= count.scenarios - 1
