"""Which posts there are, when, and in which order."""

from datetime import timedelta

from etstats.demo.generator import Evening
from tests.posting.conftest import START, Stage, ended

DAY = timedelta(days=1)


def test_an_evening_is_told_in_order(stage: Stage, evening: Evening) -> None:
    """Rounds, maps and the evening itself are posted as they end, each once."""
    stage.switch_on()
    for number, file in enumerate(evening.files):
        stage.load(file)
        now = ended(file)
        assert str(stage.post(now)) == ("1 posted" if number % 2 == 0 else "2 posted")
        assert str(stage.post(now)) == "nothing to post"
    assert str(stage.post(START + DAY)) == "1 posted"
    assert str(stage.post(START + DAY)) == "nothing to post"
    kinds = [kind for kind, _ in stage.states()]
    assert kinds == ["round", "round", "map"] * 3 + ["session"]
    assert {state for _, state in stage.states()} == {"sent"}
    assert "Session complete" in stage.titles[-1]
