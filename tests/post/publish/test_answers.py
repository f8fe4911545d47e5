"""Every answer of Discord's, and what the journal says after it."""

from datetime import timedelta

import pytest

from etstats.demo.generator import GeneratedSession
from tests.post.publish.conftest import Stage, ended
from tests.post.render.faults import Fault

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
_BANNED = {Fault.NO_RETRY_AFTER, Fault.CLOUDFLARE_BAN, Fault.FORBIDDEN_PAGE}
_LATER = {Fault.LONG_RATE_LIMIT}


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_one_fault(stage: Stage, evening: GeneratedSession, fault: Fault) -> None:
    """After one fault a post is sent, waits, or is unknown; then all the others go out, and none twice."""
    stage.switch_on()
    stage.load(evening.files[0])
    now = ended(evening.files[0])
    stage.discord.faults = [fault]
    report = stage.post(now, limit=40)
    state = stage.states()[0][1]
    if fault in _UNKNOWN:
        assert (state, report.exit_code) == ("unknown", 3)
        assert "etstats post --resolve 1 --as sent|failed" in report.lines[0]
    elif fault in _BANNED | _LATER:
        assert (state, report.exit_code) == ("pending", 75)
    else:
        assert (state, report.exit_code) == ("sent", 0)
    stage.load(*evening.files[1:4])
    stage.clock.sleep(601)
    assert stage.post(now).exit_code == 0
    assert stage.post(now).lines == []
    told = [post.payload["embeds"][0]["footer"]["text"] for post in stage.discord.posts]
    assert len(set(told)) == len(told) >= 5
    assert {state for _, state in stage.states()} <= {"sent", "unknown"}


def test_nothing_is_tried_before_its_time(stage: Stage, evening: GeneratedSession) -> None:
    """The next run, too, leaves Discord alone until the time that it named is over."""
    stage.switch_on()
    stage.load(evening.files[0])
    now = ended(evening.files[0])
    stage.discord.faults = [Fault.LONG_RATE_LIMIT]
    stage.post(now, limit=10)
    for _ in range(3):
        stage.clock.sleep(10)
        report = stage.post(now, limit=10)
        assert (report.exit_code, report.lines) == (75, [])
    assert len(stage.discord.requests) + len(stage.discord.unseen) == 1
    stage.clock.sleep(20)
    assert stage.post(now).counts["posted"] == 1


def test_a_ban_is_kept_by_all_channels(stage: Stage, evening: GeneratedSession) -> None:
    """Who is shut out sends nothing anywhere for ten minutes, and says so once."""
    from etstats.post.settings import ChannelConfig

    stage.set(map=ChannelConfig(webhook_url=stage.discord.add_webhook().url))
    stage.switch_on()
    stage.load(*evening.files[:2])
    now = ended(evening.files[1])
    stage.discord.faults = [Fault.CLOUDFLARE_BAN]
    report = stage.post(now)
    assert (report.exit_code, len(report.lines)) == (75, 1)
    assert len(stage.discord.requests) + len(stage.discord.unseen) == 1
    stage.clock.sleep(590)
    assert stage.post(now).lines == []
    assert len(stage.discord.requests) + len(stage.discord.unseen) == 1
    stage.clock.sleep(20)
    assert stage.post(now).counts["posted"] == 3


def test_discord_down_is_said_once(stage: Stage, evening: GeneratedSession) -> None:
    """An outage is one line, not one a minute, and costs neither order nor a post."""
    stage.switch_on()
    stage.load(*evening.files[:2])
    now = ended(evening.files[1])
    stage.discord.faults = [Fault.UNAVAILABLE] * 15
    lines: list[str] = []
    for _ in range(3):
        lines += stage.post(now).lines
        stage.clock.sleep(60)
    assert len(lines) == 1
    assert stage.post(now).counts["posted"] == 3
    assert [kind for kind, _ in stage.states()] == ["round", "round", "map"]


def test_a_dead_webhook_is_tried_once(stage: Stage, evening: GeneratedSession) -> None:
    """A deleted webhook is reported once and left alone; what was due goes to the next one that is set."""
    stage.switch_on()
    stage.load(evening.files[0])
    now = ended(evening.files[0])
    stage.discord.delete_webhook(stage.hook)
    report = stage.post(now)
    assert report.exit_code == 3
    assert "10015" in report.lines[0] or "Unknown Webhook" in report.lines[0]
    stage.load(*evening.files[1:4])
    requests = len(stage.discord.requests)
    for _ in range(3):
        report = stage.post(now)
        assert (report.exit_code, report.lines) == (0, [])
    assert len(stage.discord.requests) == requests
    stage.set(webhook_url=stage.discord.add_webhook().url)
    assert stage.post(now).counts["posted"] == 6
    assert stage.count("post_channels WHERE gone_at IS NOT NULL") == 0


def test_a_wrong_token_is_tried_once(stage: Stage, evening: GeneratedSession) -> None:
    """A token that is not the webhook's counts as a dead webhook."""
    stage.set(webhook_url=stage.hook.url + "x")
    stage.switch_on()
    stage.load(evening.files[0])
    now = ended(evening.files[0])
    assert stage.post(now).exit_code == 3
    assert stage.post(now).exit_code == 0
    assert len(stage.discord.requests) == 1


def test_a_refused_message_is_kept_with_its_reason(
    stage: Stage, evening: GeneratedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that breaks a limit is a fault of ours: kept, reported once, never retried, the others go out."""
    from etstats.post.render import summaries

    monkeypatch.setattr(summaries, "BLUE", 1 << 30)
    stage.switch_on()
    stage.load(*evening.files[:2])
    now = ended(evening.files[1])
    report = stage.post(now)
    assert (report.exit_code, report.counts["failed"], report.counts["posted"]) == (3, 1, 2)
    assert "etstats post --round" in report.lines[0]
    assert stage.states() == [("round", "failed"), ("round", "sent"), ("map", "sent")]
    assert stage.post(now).exit_code == 0
    stage.discord.violations.clear()


def test_a_lost_answer_stops_the_run(stage: Stage, evening: GeneratedSession) -> None:
    """One lost answer leaves one unknown post: the run does not go on losing others."""
    stage.switch_on()
    stage.load(*evening.files[:4])
    now = ended(evening.files[3])
    stage.discord.faults = [Fault.GATEWAY_TIMEOUT_AFTER] * 6
    report = stage.post(now + timedelta(seconds=1))
    assert (report.counts["unknown"], report.counts["waiting"]) == (1, 5)
