"""Tests of pending posts: which, when, in which order, and where."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
from etstats.demo.generator import GeneratedSession, generate_session
from etstats.errors import ConfigError
from etstats.post.publish import EVERYTHING
from etstats.post.publish.pending import PendingPosts
from etstats.post.settings import ChannelConfig, DiscordConfig
from tests.post.publish.conftest import BEFORE, START, ZONE, Stage, ended

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def test_session_posts_are_sent_in_order(stage: Stage, session: GeneratedSession) -> None:
    """Rounds, maps and the session are posted when they end, each once."""
    stage.switch_on()
    for number, file in enumerate(session.files):
        stage.load(file)
        now = ended(file)
        assert str(stage.post(now)) == ("1 posted" if number % 2 == 0 else "2 posted")
        assert str(stage.post(now)) == "nothing to post"
    assert str(stage.post(START + DAY)) == "1 posted"
    assert str(stage.post(START + DAY)) == "nothing to post"
    assert [kind for kind, _ in stage.states()] == ["round", "round", "map"] * 3 + ["session"]
    assert {state for _, state in stage.states()} == {"sent"}
    assert "round 1" in stage.titles[0]
    assert "map complete" in stage.titles[2]
    assert "Session complete" in stage.titles[-1]


def test_run_without_work_reads_no_history(stage: Stage, session: GeneratedSession) -> None:
    """After the summary of a session, nothing is pending."""
    stage.switch_on()
    stage.load(*session.files)
    stage.post(START + DAY)
    assert stage.count("changed_sessions") == 0


def test_run_without_work_closes_finished_sessions(
    stage: Stage, session: GeneratedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions that a run compared but did not close, or whose end comes later, are closed by the next run."""
    stage.switch_on()
    stage.load(*session.files)
    with monkeypatch.context() as patch:  # as if it was killed before it closed them
        patch.setattr(PendingPosts, "close_finished_sessions", lambda *_: None)
        stage.post(START + DAY)
    assert stage.count("changed_sessions") == 1
    assert str(stage.post(ended(session.files[-1]))) == "nothing to post"
    assert stage.count("changed_sessions") == 1
    assert str(stage.post(START + DAY)) == "nothing to post"
    assert stage.count("changed_sessions") == 0


def test_first_run_posts_nothing_old(stage: Stage, session: GeneratedSession) -> None:
    """Rounds that ended before posting was enabled are never posted."""
    stage.load(*session.files)
    assert str(stage.post(START + DAY)) == "nothing to post"
    assert stage.discord.posts == []
    assert str(stage.post(START + 2 * DAY)) == "nothing to post"


def test_since_sets_an_earlier_start(stage: Stage, session: GeneratedSession) -> None:
    """`since` posts rounds that ended from then on, also those left to a later run."""
    stage.load(*session.files)
    third = ended(session.files[2])
    assert stage.post(START + DAY, since=third, limit=0.0).counts["waiting"] == 7
    assert stage.post(START + DAY).counts["posted"] == 7
    assert [kind for kind, _ in stage.states()] == ["round", "round", "map"] * 2 + ["session"]


def test_since_all_posts_one_digest(stage: Stage, session: GeneratedSession) -> None:
    """More than `digest_after` pending rounds are one message, followed by the session's summary."""
    stage.set(digest_after=5)
    stage.load(*session.files)
    assert str(stage.post(START + DAY, since=EVERYTHING)) == "2 posted"
    assert "6 rounds in one post" in stage.titles[0]
    assert "Session complete" in stage.titles[1]
    assert str(stage.post(START + DAY, since=EVERYTHING)) == "nothing to post"


def test_digest_covers_all_sessions_but_the_last(stage: Stage, session: GeneratedSession) -> None:
    """After a long outage older sessions are in the digest, the last one has a summary."""
    later = generate_session(4, start=START + 3 * DAY, zone=ZONE, maps=(2, 2))
    stage.set(digest_after=5)
    stage.switch_on()
    stage.load(*session.files, *later.files[:-1])
    assert str(stage.post(ended(later.files[-2]))) == "1 posted"
    stage.load(later.files[-1])
    assert str(stage.post(START + 9 * DAY)) == "3 posted"
    assert [kind for kind, _ in stage.states()] == ["digest", "round", "map", "session"]


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("since", [None, EVERYTHING])
def test_corrected_time_zone_repeats_no_post(
    stage: Stage, session: GeneratedSession, zone: str, since: datetime | None
) -> None:
    """Posts are identified by files, so times may change by hours."""
    later = generate_session(4, start=START + 3 * DAY, zone=ZONE, maps=(2, 2))
    stage.set(digest_after=5)
    stage.switch_on()
    stage.load(*session.files, *later.files[:-1])
    stage.post(ended(later.files[-2]))
    stage.load(later.files[-1])
    stage.post(START + 9 * DAY)
    before = stage.states()
    assert [kind for kind, _ in before] == ["digest", "round", "map", "session"]
    stage.conn.rollback()
    rebuild(stage.conn, RebuildPlan(gap=timedelta(minutes=60), zone_of=lambda name: ZoneInfo(zone)))
    assert stage.post(START + 9 * DAY, since=since).counts["posted"] == 0
    assert stage.states() == before


def test_backlog_is_posted_oldest_first(stage: Stage, session: GeneratedSession) -> None:
    """After an outage posts are in the order played, regardless of the order of import."""
    stage.switch_on()
    stage.load(*reversed(session.files))
    stage.post(START + DAY)
    times = [post.payload["embeds"][0]["timestamp"] for post in stage.discord.posts]
    assert times == sorted(times)


def test_unsent_posts_wait_for_the_next_run(stage: Stage, session: GeneratedSession) -> None:
    """A run ends in time; the next one continues."""
    stage.switch_on()
    stage.load(*session.files)
    report = stage.post(START + DAY, limit=1.5)
    assert 0 < report.counts["posted"] < 10
    assert report.counts["waiting"] == 10 - report.counts["posted"]
    assert report.exit_code == 75
    assert report.lines == []
    while (report := stage.post(START + DAY, limit=1.5)).exit_code:
        stage.clock.sleep(1.5)
    assert len(stage.discord.posts) == 10


def test_session_ends_after_a_pause(stage: Stage, session: GeneratedSession) -> None:
    """The summary is posted exactly `session_end_minutes` after the last round."""
    stage.set(session_end_minutes=45, kinds=("session",))
    stage.switch_on()
    stage.load(*session.files)
    last = ended(session.files[-1])
    assert str(stage.post(last + 44 * MINUTE)) == "nothing to post"
    assert str(stage.post(last + 46 * MINUTE)) == "1 posted"


def test_continued_session_edits_its_summary(stage: Stage, session: GeneratedSession) -> None:
    """A round after the summary edits the summary."""
    stage.set(kinds=("session",), session_end_minutes=1)
    stage.switch_on()
    stage.load(*session.files[:4])
    assert str(stage.post(ended(session.files[3]) + 2 * MINUTE)) == "1 posted"
    stage.load(*session.files[4:])
    assert str(stage.post(START + DAY)) == "1 edited"
    assert len(stage.discord.posts) == 1
    assert "6 rounds" in stage.discord.posts[0].payload["embeds"][0]["description"]


def test_unpaired_round_2_is_posted_after_a_while(stage: Stage, session: GeneratedSession) -> None:
    """A round 2 without its round 1 is posted with both rounds after a while, without a map post."""
    stage.switch_on()
    stage.load(session.files[1])
    now = ended(session.files[1])
    assert str(stage.post(now + MINUTE)) == "nothing to post"
    assert str(stage.post(now + 3 * MINUTE)) == "1 posted"
    assert "both rounds together" in stage.discord.posts[0].payload["embeds"][0]["description"]


def test_disabled_kinds_are_not_posted(stage: Stage, session: GeneratedSession) -> None:
    """Disabled kinds are not posted, also not later for rounds that ended while disabled."""
    stage.set(kinds=("map",))
    stage.switch_on()
    stage.load(*session.files[:2])
    assert str(stage.post(ended(session.files[1]))) == "1 posted"
    stage.set(kinds=("map", "round"))
    assert str(stage.post(ended(session.files[1]) + MINUTE)) == "nothing to post"
    stage.load(session.files[2])
    assert str(stage.post(ended(session.files[2]))) == "1 posted"
    assert [kind for kind, _ in stage.states()] == ["map", "round"]


def test_kinds_and_servers_use_their_channels(stage: Stage, session: GeneratedSession) -> None:
    """Webhooks of a kind or a server, and a thread, get their posts."""
    maps, other = stage.discord.add_webhook(), stage.discord.add_webhook()
    thread = stage.discord.add_thread(stage.hook)
    stage.set(
        map=ChannelConfig(webhook_url=maps.url),
        session=ChannelConfig(thread_id=thread),
        servers={"second": ChannelConfig(webhook_url=other.url)},
    )
    second = generate_session(9, start=START, zone=ZONE, maps=(1, 1))
    stage.load(server="second")
    stage.switch_on()
    stage.load(*session.files[:2])
    stage.load(*second.files, server="second")
    stage.post(START + DAY)
    places = {(post.webhook_id, post.channel_id): 0 for post in stage.discord.posts}
    for post in stage.discord.posts:
        places[post.webhook_id, post.channel_id] += 1
    assert places == {
        (stage.hook.webhook_id, stage.hook.channel_id): 2,
        (stage.hook.webhook_id, thread): 1,
        (maps.webhook_id, maps.channel_id): 1,
        (other.webhook_id, other.channel_id): 4,
    }


def test_forum_gets_a_thread_for_each_session(stage: Stage, session: GeneratedSession) -> None:
    """The first post of a session opens its thread, later ones and edits use it."""
    forum = stage.discord.add_webhook(forum=True)
    stage.settings = DiscordConfig(webhook_url=forum.url, charts=False, forum=True, style="full")
    next_day = generate_session(5, start=START + DAY, zone=ZONE, maps=(1, 1))
    stage.switch_on()
    stage.load(*session.files[:4], *next_day.files)
    assert stage.post(START + 2 * DAY).counts["posted"] == 11
    threads = [post.channel_id for post in stage.discord.posts]
    assert len(set(threads)) == 2
    assert [one for one in dict.fromkeys(threads) for _ in range(threads.count(one))] == threads
    assert [post.payload.get("thread_name") for post in stage.discord.posts if "thread_name" in post.payload] == [
        "2025-10-02 · main",
        "2025-10-03 · main",
    ]
    stage.hide(session.rounds[0])
    stage.change_all()
    assert stage.post(START + 2 * DAY).counts["edited"] == 7


def test_deleted_thread_is_opened_again(stage: Stage, session: GeneratedSession) -> None:
    """A deleted thread does not stop the posts."""
    forum = stage.discord.add_webhook(forum=True)
    stage.settings = DiscordConfig(webhook_url=forum.url, charts=False, forum=True, style="full")
    stage.switch_on()
    stage.load(session.files[0])
    stage.post(ended(session.files[0]))
    stage.discord._threads.pop(stage.discord.posts[0].channel_id)
    stage.load(session.files[1])
    now = ended(session.files[1])
    assert stage.post(now).exit_code == 75
    assert stage.post(now).exit_code == 0
    assert [kind for kind, state in stage.states() if state == "sent"] == ["round", "round", "map"]
    assert len({post.channel_id for post in stage.discord.posts}) == 2


def test_wrong_forum_setting_loses_no_post(stage: Stage, session: GeneratedSession) -> None:
    """A wrong `forum` setting loses no post: it is reported once, and all are sent after the correction."""
    stage.set(forum=True)
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    report = stage.post(now)
    assert report.exit_code == 3
    assert "forum = false" in report.lines[0]
    assert stage.post(now).lines == []
    stage.set(forum=False)
    assert stage.post(now).counts["posted"] == 3


def test_nothing_is_stored_without_a_webhook(stage: Stage, session: GeneratedSession) -> None:
    """Without a webhook nothing is stored."""
    stage.settings = DiscordConfig()
    stage.load(*session.files)
    assert str(stage.post(START + DAY)) == "nothing to post"
    assert stage.count("post_watermarks") == 0


def test_invalid_webhook_names_its_setting(stage: Stage) -> None:
    """An invalid webhook is refused with the name of its setting, without its secret."""
    stage.settings = DiscordConfig(webhook_url="https://example.org/api/webhooks/1/very-secret")
    stage.load()
    with pytest.raises(ConfigError) as caught:
        stage.post(BEFORE)
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize(("hours", "flags"), [("", None), ("18-19", 4096), ("22-6", None), ("6-22", 4096)])
def test_quiet_hours_suppress_notifications(
    stage: Stage, session: GeneratedSession, hours: str, flags: int | None
) -> None:
    """In the quiet hours (here UTC) a post has no notification, and is not delayed."""
    stage.set(quiet_hours=hours)
    stage.switch_on()
    stage.load(session.files[0])
    assert stage.post(ended(session.files[0])).counts["posted"] == 1
    assert stage.discord.posts[0].payload.get("flags") == flags
