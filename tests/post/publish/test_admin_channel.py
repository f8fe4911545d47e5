"""Tests of the findings of `health` in the admin channel: one message per period with problems."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from etstats.post.publish import PostReport
from etstats.post.publish.admin_channel import show_findings
from etstats.post.render.admin_messages import HealthFinding
from tests.conftest import CliResult
from tests.post.publish.conftest import START, Stage
from tests.post.render.faults import CHANNEL_REFUSALS, Fault

DISK = HealthFinding("disk", "0.1 GB free: free some space")
POSTS = HealthFinding("posts", "1 webhook gone")
TEN = timedelta(minutes=10)


@pytest.fixture
def admins(stage: Stage) -> Stage:
    stage.load()
    stage.set(admin_webhook_url=stage.discord.add_webhook().url)
    return stage


def show(stage: Stage, now: datetime, *findings: HealthFinding) -> PostReport:
    stage.clock.sleep(600)
    return show_findings(
        stage.conn,
        stage.settings,
        now,
        now.tzinfo,
        findings,
        limit_seconds=30,
        clock=stage.clock,
        sleep=stage.clock.sleep,
    )


def title(stage: Stage, number: int = -1) -> str:
    return str(stage.discord.posts[number].payload["embeds"][0]["title"])


def test_one_message_is_edited_until_resolved(admins: Stage) -> None:
    """No message without problems; then one that is edited when a finding appears or disappears, and resolved."""
    now = START
    assert show(admins, now).counts == {}
    assert show(admins, now + TEN, DISK).counts == {"posted": 1}
    assert show(admins, now + 2 * TEN, DISK._replace(text="0.2 GB free: free some space")).counts == {}
    assert show(admins, now + 3 * TEN, DISK, POSTS).counts == {"edited": 1}
    assert title(admins) == "2 problems found by health"
    assert show(admins, now + 10 * TEN, DISK, POSTS).counts == {"edited": 1}  # ages and numbers, once an hour
    assert show(admins, now + 11 * TEN).counts == {"edited": 1}
    assert title(admins) == "Resolved"
    assert show(admins, now + 12 * TEN).counts == {}
    assert show(admins, now + 13 * TEN, POSTS).counts == {"posted": 1}
    assert [title(admins, 0), title(admins, 1)] == ["Resolved", "1 problem found by health"]


def test_deleted_message_is_posted_again_once(admins: Stage) -> None:
    """If deleted twice, the message is not posted again until all problems are resolved."""
    posted = 0
    for step in range(12):
        posted += show(admins, START + step * 7 * TEN, DISK).counts["posted"]
        if step in {1, 5}:
            admins.discord.delete_message(admins.discord.posts[-1].message_id)
    assert posted == 2


def test_new_channel_gets_a_new_message(admins: Stage) -> None:
    """A channel that is configured later gets a new message."""
    show(admins, START, DISK)
    admins.set(admin_webhook_url=admins.discord.add_webhook().url)
    assert show(admins, START + TEN, DISK).counts == {"posted": 1}


def test_nothing_is_sent_without_an_admin_channel(stage: Stage) -> None:
    """Without a channel nothing is sent."""
    assert show(stage, START, DISK).counts == {}
    assert stage.discord.requests == []


def test_message_of_a_fast_clock_is_edited_later(admins: Stage) -> None:
    """Its message goes on being edited."""
    show(admins, START.replace(year=2036), DISK)
    assert show(admins, START, DISK, POSTS).counts == {"edited": 1}
    assert show(admins, START + TEN).counts == {"edited": 1}


def test_long_and_hostile_findings_fit(admins: Stage) -> None:
    """Any number of findings with any text gives a message that Discord accepts."""
    findings = [HealthFinding(f"check {index} @everyone", "@`<>[]" * 200) for index in range(60)]
    assert show(admins, START, *findings).counts == {"posted": 1}
    assert not admins.discord.pinged


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_every_fault_is_resolved(admins: Stage, fault: Fault) -> None:
    """Sent once and resolved, or unknown or failed; the next problem is shown again."""
    admins.discord.faults = [fault]
    now = START
    for step in (*range(1, 9), 29):
        show(admins, now + step * TEN, DISK)
    show(admins, now + 30 * TEN)
    show(admins, now + 40 * TEN)
    states = admins.conn.execute("SELECT state FROM notices").fetchall()
    admins.conn.commit()
    assert len(states) == 1
    if fault in CHANNEL_REFUSALS:
        assert states == [("sent",)]
    assert [title(admins, index) for index in range(len(admins.discord.posts))] in (
        [],
        ["Resolved"],
        ["1 problem found by health"],
    )
    assert show(admins, now + 50 * TEN, POSTS).counts["posted"] == 1


def test_config_check_tests_all_channels(stage: Stage, cli: Callable[..., CliResult]) -> None:
    """The admin channel and channels of kinds are configured; unknown kinds and invalid hours are refused."""
    path = stage.write_config()
    admins, calendar = stage.discord.add_webhook(), stage.discord.add_webhook()
    good = path.read_text()
    path.write_text(
        good + f'admin_webhook_url = "{admins.url}"\n[discord.channels.season]\nwebhook_url = "{calendar.url}"\n'
    )
    checked = cli("--config", path, "config", "check").out
    assert f"ok  discord.admin_webhook_url: webhook 'etstats', channel {admins.channel_id}" in checked
    assert f"ok  discord.channels.season: webhook 'etstats', channel {calendar.channel_id}" in checked
    assert admins.token not in cli("--config", path, "config", "show").out
    for line, says in (
        ('quiet_hours = "25-3"', 'invalid hours "25-3"'),
        ('kinds = ["recap"]', "recap_week"),
        ("game_on_players = 65", "game_on_players"),
        ('date_language = "sv-FI"', "sv"),
        (
            '[discord.channels.seasons]\nwebhook_url = "https://discord.com/api/webhooks/1/x"',
            "did you mean season",
        ),
    ):
        path.write_text(good + line + "\n")
        refused = cli("--config", path, "config", "show")
        assert (refused.code, says in refused.err) == (2, True), refused.err
