"""Killed senders, several at once, and what no log, process list or base may ever hold."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from etstats.db import journal
from etstats.db.connection import connect
from etstats.demo.discord_wire import Reply, Request
from etstats.demo.generator import GeneratedSession
from etstats.post.publish import manual
from tests.post.publish.conftest import Stage, ended
from tests.post.render.faults import Faulty


class Killer(Faulty):
    """Discord that sees the sender die: before it takes a message, or after."""

    victim: subprocess.Popen | None = None
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
def test_a_killed_sender(stage: Stage, evening: GeneratedSession, is_taken: bool) -> None:
    """Killed in the middle of a message: it is unknown, said once, never sent again, and the others go out."""
    stage.switch_on()
    stage.load(*evening.files[:2])
    now = ended(evening.files[1])
    stage.discord.is_taken = is_taken
    config = stage.write_config()
    process = subprocess.Popen([sys.executable, "-m", "etstats", "--config", str(config), "post"])
    stage.discord.victim = process
    assert process.wait(60) == -signal.SIGKILL
    assert stage.states() == [("round", "sending")]
    report = stage.post(now)
    assert report.exit_code == 3
    assert "the program was stopped while it was sending" in report.lines[0]
    assert stage.states() == [("round", "unknown"), ("round", "sent"), ("map", "sent")]
    assert stage.post(now).lines == []
    assert len(stage.discord.posts) == 2 + is_taken
    assert [post.state for post in journal.unresolved(stage.conn)] == ["unknown"]


def test_a_sender_stopped_while_it_waits(
    stage: Stage, evening: GeneratedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between two posts, while it keeps to Discord's pace: nothing is in doubt, and nothing is lost."""
    stage.switch_on()
    stage.load(*evening.files)
    now = ended(evening.files[-1])
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


def test_an_unknown_post_is_resolved_by_hand(stage: Stage, evening: GeneratedSession) -> None:
    """Whoever looked into the channel says what stands there; with the message's id it is kept true again."""
    stage.switch_on()
    stage.load(evening.files[0])
    config = stage.write_config()
    stage.discord.is_taken = True
    stage.discord.victim = subprocess.Popen([sys.executable, "-m", "etstats", "--config", str(config), "post"])
    stage.discord.victim.wait(60)
    stage.post(ended(evening.files[0]))
    settled = manual.resolve(stage.conn, 1, "sent", stage.discord.posts[0].message_id)
    assert settled.state == "sent"
    stage.change_all()
    assert stage.post(ended(evening.files[0])).counts == {"edited": 1}
    assert stage.discord.posts[0].edits == 1


def test_only_one_claim_succeeds(stage: Stage, evening: GeneratedSession) -> None:
    """Two programs that want the same post: one has it, whatever lock either holds."""
    stage.switch_on()
    stage.load(evening.files[0])
    now = ended(evening.files[0])
    item = manual.thing(stage.conn, "round", "last")
    with connect(stage.url) as other:
        assert journal.claim(stage.conn, item, "0" * 32, now) == 1
        assert journal.claim(other, item, "0" * 32, now) is None
        journal.record_unsent(stage.conn, 1, "pending", "later", now)
        assert journal.claim(other, item, "0" * 32, now) == 1
        assert journal.claim(stage.conn, item, "0" * 32, now, again=True) is None


def test_only_one_poster_works(stage: Stage, evening: GeneratedSession) -> None:
    """While one posts, another one leaves at once, and nothing is posted twice."""
    stage.switch_on()
    stage.load(*evening.files[:2])
    now = ended(evening.files[1])
    with connect(stage.url) as other, journal.poster_lock(other) as is_ours:
        assert is_ours
        report = stage.post(now)
        assert (report.exit_code, len(stage.discord.requests)) == (75, 0)
    assert stage.post(now).counts["posted"] == 3


def test_senders_at_once(stage: Stage, evening: GeneratedSession) -> None:
    """Three programs begin at the same moment: each thing is posted once."""
    stage.set(digest_after=50)
    stage.switch_on()
    stage.load(*evening.files)
    command = [sys.executable, "-m", "etstats", "--config", str(stage.write_config()), "-q", "post"]
    senders = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [(sender.communicate(timeout=90)[1], sender.returncode) for sender in senders]
    assert {code for _, code in ends} <= {0, 75}, ends
    assert len(stage.discord.posts) == 10
    assert {state for _, state in stage.states()} == {"sent"}


def test_no_secret_gets_out(stage: Stage, evening: GeneratedSession, tmp_path: Path) -> None:
    """Not into a line of talk, a log, a process list, the database or a traceback, whatever goes wrong."""
    stage.switch_on()
    stage.load(*evening.files[:2])
    stage.discord.delete_webhook(stage.hook)
    command = [sys.executable, "-m", "etstats", "--config", str(stage.write_config()), "-v", "post"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    shown += process.communicate(timeout=60)[0]
    assert process.returncode == 3
    shown += b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    dump = "SELECT string_agg(p::text, ' ') || (SELECT string_agg(c::text, ' ') FROM post_channels c) FROM posts p"
    with stage.conn.transaction():
        shown += stage.conn.execute(dump).fetchone()[0].encode()
    assert b"Unknown Webhook" in shown
    assert stage.hook.token.encode() not in shown
