"""Set times: the share of faster attacks, with stopped attacks as censored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.rules.set_time import PRIOR_SHARE, Attack, predict_set_time, share_faster

attacks = st.lists(st.builds(Attack, st.integers(0, 1200), st.booleans()), max_size=20)


def test_share_of_all_maps_is_used_without_attacks() -> None:
    assert share_faster([], 300) is None
    assert predict_set_time([], 300).chance == pytest.approx(PRIOR_SHARE)


def test_chance_is_the_share_of_faster_attacks() -> None:
    done = [Attack(seconds, True) for seconds in (100, 200, 300, 400)]
    assert share_faster(done, 300) == pytest.approx(0.5)
    assert share_faster(done, 301) == pytest.approx(0.75)


def test_stopped_attack_counts_only_up_to_its_limit() -> None:
    known = [Attack(100, True), Attack(400, True), Attack(600, False)]
    stopped = [*known, Attack(50, False)]
    assert share_faster(stopped, 300) == pytest.approx(share_faster(known, 300))
    assert share_faster([*known, Attack(300, False)], 300) == pytest.approx(1 / 4)


@given(attacks, st.integers(1, 1200), st.floats(-10, 10))
def test_chances_are_bounded_and_monotonic(earlier, set_time, log_odds) -> None:
    chance = predict_set_time(earlier, set_time, log_odds).chance
    assert 0 < chance < 1
    assert chance <= predict_set_time(earlier, set_time + 60, log_odds).chance + 1e-12
    assert chance < predict_set_time(earlier, set_time, log_odds + 1).chance
