"""Tests of Discord's responses, and the journal after each."""

import re
from datetime import timedelta

import pytest

from etstats.db import channel_states
from etstats.db.channel_states import ChannelState
from etstats.demo.generator import GeneratedSession
from etstats.post.publish.manual import unresolved
from tests.post.publish.conftest import Stage, ended
from tests.post.render.faults import CHANNEL_REFUSALS, Fault

_UNKNOWN = {
    Fault.SERVER_ERROR_BEFORE,
    Fault.SERVER_ERROR_AFTER,
    Fault.GATEWAY_TIMEOUT_AFTER,
    Fault.DROP_BEFORE,
    Fault.DROP_AFTER,
    Fault.CUT_ANSWER,
    Fault.NO_CONTENT,
    Fault.OTHER_WEBHOOK,
    Fault.OTHER_INFO,
}
_BANNED = {Fault.NO_RETRY_AFTER, Fault.CLOUDFLARE_BAN, Fault.FORBIDDEN_PAGE, Fault.NETWORK_BLOCKED}
_LATER = {Fault.LONG_RATE_LIMIT}


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_one_fault_does_not_affect_other_posts(stage: Stage, session: GeneratedSession, fault: Fault) -> None:
    """After one fault a post is sent, waits, or is unknown; then all others are sent once."""
    stage.switch_on()
    stage.load(session.files[0])
    now = ended(session.files[0])
    stage.discord.faults = [fault]
    report = stage.post(now, limit=40)
    state = stage.states()[0][1]
    if fault in _UNKNOWN:
        assert (state, report.exit_code) == ("unknown", 3)
        assert "etstats post --resolve 1 --as sent|failed" in report.lines[0]
    elif fault in _BANNED | _LATER:
        assert (state, report.exit_code) == ("pending", 75)
    elif fault in CHANNEL_REFUSALS:
        assert (state, report.exit_code) == ("pending", 3)
    elif fault is Fault.TOO_LARGE:
        assert (state, report.exit_code) == ("failed", 3)
    else:
        assert (state, report.exit_code) == ("sent", 0)
    stage.load(*session.files[1:4])
    stage.clock.sleep(601)
    assert stage.post(now).exit_code == 0
    assert stage.post(now).lines == []
    footers = [post.payload["embeds"][0]["footer"]["text"] for post in stage.discord.posts]
    assert len(set(footers)) == len(footers) >= 5
    assert {state for _, state in stage.states()} <= {"sent", "unknown", "failed"}
    assert stage.count("posts WHERE state = 'failed'") == (fault is Fault.TOO_LARGE)


def test_retry_waits_for_the_time_given_by_discord(stage: Stage, session: GeneratedSession) -> None:
    """The next run also waits until the time given by Discord."""
    stage.switch_on()
    stage.load(session.files[0])
    now = ended(session.files[0])
    stage.discord.faults = [Fault.LONG_RATE_LIMIT]
    stage.post(now, limit=10)
    for _ in range(3):
        stage.clock.sleep(10)
        report = stage.post(now, limit=10)
        assert (report.exit_code, report.lines) == (75, [])
    assert len(stage.discord.requests) + len(stage.discord.unseen) == 1
    stage.clock.sleep(20)
    assert stage.post(now).counts["posted"] == 1


def test_stored_rate_limit_of_seconds_is_awaited(stage: Stage, session: GeneratedSession) -> None:
    """A run right after one that was killed in a rate limit waits for its end and posts."""
    stage.switch_on()
    stage.load(session.files[0])
    stage.post(ended(session.files[0]))
    stage.load(session.files[1])
    now = ended(session.files[1])
    held_until = now + timedelta(seconds=stage.clock.now - stage.began + 2)
    (channel,) = {name for (name,) in stage.conn.execute("SELECT channel FROM posts")}
    channel_states.save(stage.conn, ChannelState(channel=channel, held_until=held_until))
    stage.conn.commit()
    before = stage.clock.now
    assert (stage.post(now).exit_code, stage.states()[-1][1]) == (0, "sent")
    assert stage.clock.now - before >= 1.9


def test_ban_applies_to_all_channels(stage: Stage, session: GeneratedSession) -> None:
    """After a ban nothing is sent anywhere for ten minutes; it is reported once, and later as an obstacle."""
    from etstats.post.settings import ChannelConfig

    stage.set(map=ChannelConfig(webhook_url=stage.discord.add_webhook().url))
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    stage.discord.faults = [Fault.CLOUDFLARE_BAN]
    report = stage.post(now)
    assert (report.exit_code, len(report.lines)) == (75, 1)
    assert len(stage.discord.requests) + len(stage.discord.unseen) == 1
    stage.clock.sleep(590)
    assert stage.post(now).lines == []
    assert len(stage.discord.requests) + len(stage.discord.unseen) == 1
    config = stage.config
    held = unresolved(stage.conn, config.discord, config.timezone, now + timedelta(minutes=5))
    assert re.fullmatch(r"Discord accepts no posts until \d\d:\d\d UTC; they wait", held.lines[0])
    stage.clock.sleep(20)
    assert stage.post(now).counts["posted"] == 3
    assert unresolved(stage.conn, config.discord, config.timezone, now + timedelta(minutes=11)).lines == []


def test_outage_is_reported_once(stage: Stage, session: GeneratedSession) -> None:
    """An outage is reported in one line, and loses neither order nor posts."""
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    stage.discord.faults = [Fault.UNAVAILABLE] * 15
    lines: list[str] = []
    for _ in range(3):
        lines += stage.post(now).lines
        stage.clock.sleep(60)
    assert len(lines) == 1
    assert stage.post(now).counts["posted"] == 3
    assert [kind for kind, _ in stage.states()] == ["round", "round", "map"]


def test_deleted_webhook_is_used_once(stage: Stage, session: GeneratedSession) -> None:
    """A deleted webhook is reported once and not used again; pending posts go to the next configured one."""
    stage.switch_on()
    stage.load(session.files[0])
    now = ended(session.files[0])
    stage.discord.delete_webhook(stage.hook)
    report = stage.post(now)
    assert report.exit_code == 3
    assert "10015" in report.lines[0] or "Unknown Webhook" in report.lines[0]
    stage.load(*session.files[1:4])
    requests = len(stage.discord.requests)
    for _ in range(3):
        report = stage.post(now)
        assert (report.exit_code, report.lines) == (3, [])
    assert len(stage.discord.requests) == requests
    stage.set(webhook_url=stage.discord.add_webhook().url)
    assert stage.post(now).counts["posted"] == 6
    assert stage.count("channel_states WHERE gone_at IS NOT NULL") == 0


def test_wrong_token_is_used_once(stage: Stage, session: GeneratedSession) -> None:
    """A wrong token is treated as a deleted webhook."""
    stage.set(webhook_url=stage.hook.url + "x")
    stage.switch_on()
    stage.load(session.files[0])
    now = ended(session.files[0])
    assert stage.post(now).exit_code == 3
    assert stage.post(now).exit_code == 3
    assert len(stage.discord.requests) == 1


@pytest.mark.parametrize("fault", sorted(CHANNEL_REFUSALS, key=str), ids=lambda fault: fault.name.lower())
def test_refusing_channel_loses_no_post(stage: Stage, session: GeneratedSession, fault: Fault) -> None:
    """An hour of refusals is reported once and causes few requests; then all posts are sent in order."""
    stage.switch_on()
    stage.load(*session.files[:4])
    now = ended(session.files[3])
    stage.discord.faults = [fault] * 100
    lines: list[str] = []
    for _ in range(30):
        report = stage.post(now)
        lines += report.lines
        assert report.exit_code in {3, 75}
        stage.clock.sleep(120)
    assert len(lines) == 1
    assert 3 <= 100 - len(stage.discord.faults) <= 8
    assert {state for _, state in stage.states()} == {"pending"}
    stage.discord.faults = []
    stage.clock.sleep(3600)
    assert stage.post(now).counts["posted"] == 7
    assert stage.post(now).exit_code == 0
    assert stage.count("channel_states WHERE troubles > 0") == 0


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR_BEFORE, Fault.GATEWAY_TIMEOUT_AFTER, Fault.DROP_BEFORE])
def test_lost_responses_leave_few_unknown_posts(stage: Stage, session: GeneratedSession, fault: Fault) -> None:
    """The channel is held longer after each lost response, so most posts are sent after the fault."""
    stage.switch_on()
    stage.load(*session.files)
    now = ended(session.files[-1])
    stage.discord.faults = [fault] * 100
    for _ in range(30):
        stage.post(now)
        stage.clock.sleep(120)
    assert stage.count("posts WHERE state = 'unknown'") <= 6
    stage.discord.faults = []
    stage.clock.sleep(3600)
    assert stage.post(now).counts["posted"] >= 3


def test_equal_refusals_in_a_row_stop_the_run(stage: Stage, session: GeneratedSession) -> None:
    """413 for every message is probably a proxy's limit: two posts fail, the others wait."""
    stage.switch_on()
    stage.load(*session.files[:4])
    now = ended(session.files[3])
    stage.discord.faults = [Fault.TOO_LARGE] * 100
    report = stage.post(now)
    assert (report.exit_code, report.counts["failed"], report.counts["waiting"]) == (3, 2, 4)
    assert stage.post(now).counts["failed"] == 0
    stage.discord.faults = []
    stage.clock.sleep(61)
    assert stage.post(now).counts["posted"] == 4


def test_webhook_that_responds_again_is_used(stage: Stage, session: GeneratedSession) -> None:
    """The webhook is queried once an hour, without posting; when it responds, pending posts are sent."""
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    stage.discord.delete_webhook(stage.hook)
    assert len(stage.post(now).lines) == 1
    for _ in range(59):
        stage.clock.sleep(60)
        report = stage.post(now)
        assert (report.exit_code, report.lines) == (3, [])
    assert len(stage.discord.requests) == 1
    stage.clock.sleep(61)
    assert stage.post(now).exit_code == 3
    assert [one.method for one in stage.discord.requests] == ["POST", "GET"]
    stage.discord.restore_webhook(stage.hook)
    stage.clock.sleep(3601)
    assert stage.post(now).counts["posted"] == 4
    assert stage.post(now).exit_code == 0


def test_refused_edit_holds_only_edits(stage: Stage, session: GeneratedSession) -> None:
    """New posts are sent; the edit is retried after a pause."""
    stage.switch_on()
    stage.load(session.files[0])
    now = ended(session.files[0])
    stage.post(now)
    stage.hide(session.rounds[0])
    stage.discord.faults = [Fault.NOT_PERMITTED]
    assert stage.post(now).exit_code == 3
    assert (stage.post(now).lines, stage.discord.faults) == ([], [])
    stage.load(session.files[1])
    assert stage.post(now).counts["posted"] == 2
    stage.clock.sleep(61)
    assert stage.post(now).counts["edited"] == 1


def test_refused_message_is_stored_as_failed(
    stage: Stage, session: GeneratedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that violates a limit is stored as failed, reported once and not retried; others are sent."""
    from etstats.post.render import summaries

    monkeypatch.setattr(summaries, "BLUE", 1 << 30)
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    report = stage.post(now)
    assert (report.exit_code, report.counts["failed"], report.counts["posted"]) == (3, 1, 2)
    assert "etstats post --round" in report.lines[0]
    assert stage.states() == [("round", "failed"), ("round", "sent"), ("map", "sent")]
    assert stage.post(now).exit_code == 0
    stage.discord.violations.clear()


def test_lost_response_stops_the_run(stage: Stage, session: GeneratedSession) -> None:
    """A lost response leaves one unknown post: the run stops."""
    stage.switch_on()
    stage.load(*session.files[:4])
    now = ended(session.files[3])
    stage.discord.faults = [Fault.GATEWAY_TIMEOUT_AFTER] * 6
    report = stage.post(now + timedelta(seconds=1))
    assert (report.counts["unknown"], report.counts["waiting"]) == (1, 5)
