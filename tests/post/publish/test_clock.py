"""Tests of runs while the machine's clock is years ahead: nothing is delayed after the correction."""

from datetime import UTC, datetime, timedelta

import pytest

from etstats.demo.generator import GeneratedSession
from tests.post.publish.conftest import Stage, ended
from tests.post.render.faults import Fault

WRONG = datetime(2036, 1, 1, tzinfo=UTC)
BEHIND = datetime(1970, 1, 2, tzinfo=UTC)


def test_start_of_posting_in_the_future_is_ignored(stage: Stage, session: GeneratedSession) -> None:
    """If the first run had the wrong clock, posting starts with the next run."""
    stage.switch_on(now=WRONG)
    now = ended(session.files[0])
    stage.post(now - timedelta(minutes=1))
    stage.load(session.files[0])
    assert stage.post(now).counts["posted"] == 1


@pytest.mark.parametrize("is_first", [True, False], ids=["first run", "later run"])
def test_slow_clock_posts_no_old_round(stage: Stage, session: GeneratedSession, is_first: bool) -> None:
    """A machine that starts with the clock of 1970 does not post the whole archive later."""
    *old, new = session.files
    stage.load(*old)
    if not is_first:
        assert str(stage.post(ended(old[-1]) + timedelta(seconds=1))) == "nothing to post"
    assert str(stage.post(BEHIND)) == "nothing to post"
    assert str(stage.post(ended(old[-1]) + timedelta(seconds=2))) == "nothing to post"
    stage.load(new)
    assert stage.post(ended(new)).counts["posted"] >= 1
    with stage.conn.transaction():
        rounds = stage.conn.execute("SELECT count(*) FROM posts WHERE kind = 'round'").fetchone()
    assert rounds == (1,)


@pytest.mark.parametrize(
    "faults",
    [
        [Fault.CLOUDFLARE_BAN],
        [Fault.LONG_RATE_LIMIT] * 5,
        [Fault.NOT_PERMITTED],
        [Fault.SERVER_ERROR_BEFORE],
        [Fault.OLD_EDITS_LIMIT],
    ],
    ids=lambda faults: faults[0].name.lower(),
)
def test_pause_in_the_future_is_ignored(stage: Stage, session: GeneratedSession, faults: list[Fault]) -> None:
    """After any response of Discord in 2036, the next run posts and edits."""
    stage.switch_on()
    stage.load(session.files[0])
    stage.discord.faults = [*faults]
    stage.post(WRONG)
    stage.discord.faults = []
    stage.load(*session.files[1:4])
    now = ended(session.files[3])
    # In 2036 the session was over; the stand-in keeps its own time.
    stage.clock.sleep(3600)
    assert stage.post(now).counts["posted"] >= 4
    stage.hide(session.rounds[1])
    assert stage.post(now).counts["edited"] >= 1
    assert {state for _, state in stage.states()} <= {"sent", "unknown"}


def test_webhook_closed_in_the_future_is_queried_at_once(stage: Stage, session: GeneratedSession) -> None:
    """If the time of the last query is in the future, the server is queried at once."""
    stage.switch_on()
    stage.load(session.files[0])
    stage.discord.delete_webhook(stage.hook)
    assert stage.post(WRONG).exit_code == 3
    stage.discord.restore_webhook(stage.hook)
    assert stage.post(ended(session.files[0])).counts["posted"] >= 1


def test_future_round_is_posted_separately(stage: Stage, session: GeneratedSession) -> None:
    """It is posted by itself, and the rounds of the next session are posted as always."""
    stage.set(digest_after=2)
    stage.switch_on()
    stage.load(*session.files[:3])
    first = session.files[4]
    future = type(first)(f"2036-01-01-000300-{first.name[18:]}", first.content, int(WRONG.timestamp()))
    stage.load(future)
    now = ended(session.files[2])
    assert stage.post(now).counts["posted"] == 2
    assert [kind for kind, _ in stage.states()] == ["digest", "round"]
    stage.load(session.files[3])
    assert stage.post(ended(session.files[3])).counts["posted"] == 2
