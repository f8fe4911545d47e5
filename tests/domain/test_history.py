"""The document of a history: what was written is read again, and nothing else is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.history import (
    NO_HISTORY,
    AttackRank,
    History,
    PersonalBest,
    ReachedStep,
    TeamRatingChange,
    UsualPlay,
)

FULL = History(
    usual={"A": UsualPlay(3, 1.5, 200.25)},
    bests=(PersonalBest("A", "31 kills", "28"),),
    attacks={1: AttackRank(4, None, None), 2: AttackRank(4, 1, 75.0, 50.0)},
    badges={"A": "👑"},
    rating_changes=(TeamRatingChange(12.0, None), TeamRatingChange(-12.0, 45.5)),
    milestones=(ReachedStep("A", "100 kills", None), ReachedStep("B", "a revive", "123")),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("history", [NO_HISTORY, FULL])
def test_document_is_read_unchanged(history: History) -> None:
    """Nothing is lost or converted."""
    assert History.of_document(history.document()) == history


def test_without_a_document_there_is_no_history() -> None:
    """A post in the full style has none."""
    assert History.of_document(None) is NO_HISTORY


@given(key=st.sampled_from(sorted(FULL.document())), value=JSON)
def test_another_document_is_a_value_error(key: str, value: Any) -> None:
    """Whatever a part of it is replaced by, it is read as a history of the same form, or refused."""
    try:
        history = History.of_document(FULL.document() | {key: value})
    except ValueError:
        return
    assert History.of_document(history.document()) == history


@given(JSON.filter(lambda document: document is not None))
def test_any_other_value_is_a_value_error(document: Any) -> None:
    """Not the document of a history at all."""
    with pytest.raises(ValueError):  # noqa: PT011  # it is our own
        History.of_document(document)
