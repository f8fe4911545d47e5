"""Everything that goes wrong, at once and for long: each thing is told once, or shown as unknown or failed.

`ETSTATS_CHAOS_ROUNDS` and `ETSTATS_CHAOS_SEED` make it longer and different; `make chaos` does.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from etstats.db import journal
from etstats.demo.discord_wire import Reply, Request
from etstats.demo.generator import GeneratedFile, Quirks, generate
from etstats.post.settings import DiscordConfig
from tests.post.publish.conftest import START, ZONE, Stage
from tests.post.publish.sender import FastClock
from tests.post.render.faults import Fault, Faulty

ROUNDS = int(os.environ.get("ETSTATS_CHAOS_ROUNDS", "36"))
SEED = int(os.environ.get("ETSTATS_CHAOS_SEED", "1"))
SCALE = 300.0
RUN_SECONDS = 200.0
_RARE = {Fault.NO_RETRY_AFTER, Fault.CLOUDFLARE_BAN, Fault.FORBIDDEN_PAGE}  # minutes of silence follow each


class Chaotic(Faulty):
    """Discord that fails one request in three, each time in another way."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.dice = random.Random(SEED)
        self.met: Counter[Fault] = Counter()

    def answer(self, request: Request) -> Reply | None:
        with self._lock:
            fault = self.dice.choice(list(Fault)) if self.dice.random() < 0.35 else None
            if fault in _RARE and self.dice.random() < 0.8:
                fault = None
            if fault is not None:
                self.met[fault] += 1
            self.faults = [fault]
            return super().answer(request)


class Sender:
    """A process that sends when told to, and can be killed while it does."""

    def __init__(self, config: Path, started: float, log: Path) -> None:
        command = [sys.executable, "-m", "tests.post.publish.sender", str(config), str(SCALE), str(started)]
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )

    def run(self, kill_after: float | None) -> int:
        """Send for a while; `kill_after` real seconds it is killed. Returns its exit code."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{RUN_SECONDS}\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline().split()[1])
        killer = threading.Timer(kill_after or 0.0, _kill, [pid])
        if kill_after is not None:
            killer.start()
        code = int(self._process.stdout.readline().split()[2])
        killer.cancel()
        return code

    def cmdline(self) -> bytes:
        return Path(f"/proc/{self._process.pid}/cmdline").read_bytes()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout
        self._process.stdout.close()
        self._log.close()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it was done before


@pytest.fixture
def discord() -> Iterator[Chaotic]:
    with Chaotic(clock=FastClock(SCALE)) as stand_in:
        yield stand_in


@pytest.mark.timeout(600 + 10 * ROUNDS)
def test_chaos(stage: Stage, discord: Chaotic) -> None:
    """Faults of every kind, senders killed at random, two at once, files late and out of order."""
    dice = random.Random(SEED)
    stage.settings = DiscordConfig(webhook_url=stage.hook.url, charts=False, digest_after=10_000)
    stage.switch_on()
    quirks = Quirks(surrenders=0.1, late_joiners=0.1, leavers=0.1, renames=0.1)
    files = list(generate(SEED, start=START, files=ROUNDS, zone=ZONE, maps=(3, 6), quirks=quirks))
    waiting = _shuffled(dice, files)
    started, log = FastClock(SCALE)(), stage.folder / "senders.log"
    senders = [Sender(stage.write_config(), started, log) for _ in range(2)]
    codes: Counter[int] = Counter()
    try:
        # A guard against hanging. A run takes 0.3 s, or up to RUN_SECONDS / SCALE where Discord makes it wait; two
        # a round are enough. The rest is for a machine that gives the test a fifth of a core.
        deadline = time.monotonic() + 60 + 2 * ROUNDS
        while waiting or codes.total() < ROUNDS // 2 or not _is_done(stage):
            assert time.monotonic() < deadline, codes
            stage.load(*(waiting.pop() for _ in range(min(len(waiting), dice.randrange(4)))))
            kills = [dice.choice([None, dice.uniform(0.0, 0.4)]) for _ in senders]
            threads = [
                threading.Thread(target=lambda s=s, k=k: codes.update([s.run(k)]))
                for s, k in zip(senders[: dice.choice([1, 1, 2])], kills, strict=False)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        lines = b"".join(sender.cmdline() for sender in senders)
    finally:
        for sender in senders:
            sender.close()
    assert set(codes) <= {0, 3, 75, -signal.SIGKILL}, log.read_text()
    assert codes[-signal.SIGKILL] > 3
    # Only who was killed between hearing a time and writing it down comes back before it.
    assert len(discord.early) <= codes[-signal.SIGKILL] // 20
    _check_the_channel(stage, files)
    lines += log.read_bytes() + (stage.folder / "state" / "etstats.log").read_bytes()
    assert stage.hook.token.encode() not in lines + _dump(stage.conn).encode()


def _check_the_channel(stage: Stage, files: list[GeneratedFile]) -> None:
    """Every thing has its row, every `sent` its one message, and no thing has two."""
    discord = stage.discord
    assert discord.violations == []
    assert discord.duplicates == []
    ids = _ids(stage, "SELECT id FROM posts")
    posts = journal.posts(stage.conn, ids)
    assert {post.state for post in posts} <= {"sent", "unknown"}
    assert sorted(post.filename for post in posts if post.kind == "round") == sorted(file.name for file in files)
    things = "SELECT count(*) FROM rounds WHERE round1_id IS NOT NULL"
    assert [sum(post.kind == "map" for post in posts)] == _ids(stage, things)
    standing = Counter(post.message_id for post in discord.posts)
    for post in posts:
        assert (post.state == "sent") == (standing[post.message_id or ""] == 1), post
    told = Counter(_subject(post.payload) for post in discord.posts)
    rounds_and_maps = {what: count for what, count in told.items() if what[1]}
    assert set(rounds_and_maps.values()) == {1}
    evenings = [post for post in posts if post.kind == "session"]
    assert sum(told.values()) - len(rounds_and_maps) <= len(evenings)


def _subject(payload: dict) -> tuple[str, str]:
    """What a message is about: its kind, and the last file of its footer."""
    embed = payload["embeds"][0]
    kind = "map" if "map complete" in embed["title"] else "round" if "round" in embed["title"] else "session"
    footer = embed.get("footer", {}).get("text", "").splitlines()
    return kind, footer[-1] if footer else ""


def _is_done(stage: Stage) -> bool:
    """Whether nothing waits any more and every message shows what the database knows."""
    return _ids(stage, "SELECT count(*) FROM posts WHERE state IN ('pending', 'sending')") == [0] and (
        stage.count("changed_sessions") == 0
    )


def _shuffled(dice: random.Random, files: list[GeneratedFile]) -> list[GeneratedFile]:
    """The files as they come: mostly in order, some late. The next one is the last of the list."""
    return sorted(files, key=lambda file: -(files.index(file) + dice.choice([0, 0, 0, 7])))


def _ids(stage: Stage, sql: str) -> list[int]:
    with stage.conn.transaction():
        return [row[0] for row in stage.conn.execute(sql)]


def _dump(conn: psycopg.Connection) -> str:
    with conn.transaction():
        tables = ("posts", "post_channels", "post_watermarks")
        return " ".join(str(conn.execute(f"SELECT * FROM {table}").fetchall()) for table in tables)
