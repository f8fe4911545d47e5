"""Tests of killed and concurrent senders, and that no secret is written anywhere."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from etstats.db import journal
from etstats.db.connection import connect
from etstats.db.message_states import POSTS
from etstats.demo.discord_wire import Reply, Request
from etstats.demo.generator import GeneratedSession
from etstats.post.publish import manual
from tests.post.publish.conftest import Stage, ended
from tests.post.render.faults import Faulty
from tests.support.processes import Process, etstats


class Killer(Faulty):
    """A Discord stand-in that kills the sender before or after it accepts a message."""

    victim: Process | None = None
    is_taken = False

    def answer(self, request: Request) -> Reply | None:
        if self.victim is None:
            return super().answer(request)
        if self.is_taken:
            super().answer(request)
        os.kill(self.victim.pid, signal.SIGKILL)
        self.victim.wait()
        self.victim = None
        return None


@pytest.fixture
def discord(clock):
    with Killer(limited=False) as stand_in:
        yield stand_in
        assert not stand_in.violations
        assert not stand_in.duplicates


@pytest.mark.parametrize("is_taken", [False, True])
def test_killed_sender_leaves_an_unknown_post(
    stage: Stage, discord: Killer, session: GeneratedSession, is_taken: bool
) -> None:
    """Killed while sending: the post is unknown, reported once, not sent again; others are sent."""
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    discord.is_taken = is_taken
    config = stage.write_config()
    with etstats("--config", config, "post") as process:
        discord.victim = process
        assert process.wait() == -signal.SIGKILL
    assert stage.states() == [("round", "sending")]
    report = stage.post(now)
    assert report.exit_code == 3
    assert "the program was stopped while it was sending" in report.lines[0]
    assert stage.states() == [("round", "unknown"), ("round", "sent"), ("map", "sent")]
    assert stage.post(now).lines == []
    assert len(stage.discord.posts) == 2 + is_taken
    assert [post.state for post in journal.unresolved(stage.conn)] == ["unknown"]


def test_sender_killed_while_waiting_loses_nothing(
    stage: Stage, session: GeneratedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two posts while waiting for the rate limit: nothing is unknown or lost."""
    stage.switch_on()
    stage.load(*session.files)
    now = ended(session.files[-1])
    with monkeypatch.context() as patch:
        patch.setattr(stage.clock, "sleep", _stop)
        with pytest.raises(KeyboardInterrupt):
            stage.post(now)
    assert [state for _, state in stage.states()] == ["sent"] * 5 + ["pending"]
    stage.clock.now += 3
    report = stage.post(now)
    assert (report.counts["posted"], report.counts["unknown"]) == (4, 0)


def _stop(seconds: float) -> None:
    raise KeyboardInterrupt


def test_unknown_post_is_resolved_manually(stage: Stage, discord: Killer, session: GeneratedSession) -> None:
    """An unknown post is resolved manually; with its message id it can be edited."""
    stage.switch_on()
    stage.load(session.files[0])
    config = stage.write_config()
    discord.is_taken = True
    with etstats("--config", config, "post") as process:
        discord.victim = process
        assert process.wait() == -signal.SIGKILL
    stage.post(ended(session.files[0]))
    manual.resolve(stage.conn, "1", "sent", stage.discord.posts[0].message_id)
    assert ("round", "sent") in stage.states()
    stage.change_all()
    assert stage.post(ended(session.files[0])).counts == {"edited": 1}
    assert stage.discord.posts[0].edits == 1


def test_only_one_claim_succeeds(stage: Stage, session: GeneratedSession) -> None:
    """Two programs that want the same post: one gets it, regardless of the lock."""
    stage.switch_on()
    stage.load(session.files[0])
    now = ended(session.files[0])
    item = manual.thing(stage.conn, "round", "last")
    with connect(stage.url) as other:
        assert journal.claim(stage.conn, item, "0" * 32, now) == 1
        assert journal.claim(other, item, "0" * 32, now) is None
        POSTS.record(stage.conn, 1, "pending", now, reason="later")
        assert journal.claim(other, item, "0" * 32, now) == 1
        assert journal.claim(stage.conn, item, "0" * 32, now, again=True) is None


def test_only_one_run_posts(stage: Stage, session: GeneratedSession) -> None:
    """While one run posts, another one exits at once, and nothing is posted twice."""
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    with connect(stage.url) as other, journal.poster_lock(other) as is_ours:
        assert is_ours
        report = stage.post(now)
        assert (report.exit_code, len(stage.discord.requests)) == (75, 0)
    assert stage.post(now).counts["posted"] == 3


def test_simultaneous_senders_post_once(stage: Stage, session: GeneratedSession) -> None:
    """Three programs start simultaneously: each post is sent once."""
    stage.set(digest_after=50)
    stage.switch_on()
    stage.load(*session.files)
    config = stage.write_config()
    with ExitStack() as running:
        senders = [running.enter_context(etstats("--config", config, "-q", "post")) for _ in range(3)]
        ends = [sender.finish() for sender in senders]
    assert {ended.returncode for ended in ends} <= {0, 75}, ends
    assert len(stage.discord.posts) == 10
    assert {state for _, state in stage.states()} == {"sent"}


def test_failures_show_no_secret(stage: Stage, session: GeneratedSession, tmp_path: Path) -> None:
    """No secret is in a message, a log, a process list, the database or a traceback, after any failure."""
    stage.switch_on()
    stage.load(*session.files[:2])
    stage.discord.delete_webhook(stage.hook)
    with etstats("--config", stage.write_config(), "-v", "post") as process:
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert process.wait() == 3
        shown += (process.out + process.err).encode()
    shown += b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    dump = (
        "SELECT string_agg(p::text, ' ') || (SELECT string_agg(c::text, ' ') FROM channel_states c) FROM posts p"
    )
    with stage.conn.transaction():
        ((dumped,),) = stage.conn.execute(dump).fetchall()
    shown += dumped.encode()
    assert b"Unknown Webhook" in shown
    assert stage.hook.token.encode() not in shown
