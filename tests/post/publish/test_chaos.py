"""Everything that goes wrong, at once and for long: each thing is reported once, or shown as unknown or failed.

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
from typing import Any

import psycopg
import pytest

from etstats.db import journal
from etstats.demo.discord_wire import Reply, Request
from etstats.demo.generator import GeneratedFile, Quirks, generate
from etstats.post.settings import DiscordConfig, Style
from tests.post.publish.conftest import START, ZONE, Stage
from tests.post.publish.sender import FastClock
from tests.post.render.faults import Fault, Faulty
from tests.support.processes import HANG_SECONDS, Process

ROUNDS = int(os.environ.get("ETSTATS_CHAOS_ROUNDS", "24"))
SEED = int(os.environ.get("ETSTATS_CHAOS_SEED", "1"))
SCALE = 300.0
RUN_SECONDS = 200.0
_RARE = {
    Fault.NO_RETRY_AFTER,
    Fault.CLOUDFLARE_BAN,
    Fault.FORBIDDEN_PAGE,
    Fault.NETWORK_BLOCKED,
}  # minutes of silence follow each

_KINDS = [fault for fault in Fault if fault is not Fault.TOO_LARGE]  # which would leave failed posts


class Chaotic(Faulty):
    """A Discord stand-in that fails every third request in different ways."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.dice = random.Random(SEED)
        self.met: Counter[Fault] = Counter()

    def answer(self, request: Request) -> Reply | None:
        with self._lock:
            fault = self.dice.choice(_KINDS) if self.dice.random() < 0.35 else None
            if fault in _RARE and self.dice.random() < 0.8:
                fault = None
            if fault is not None:
                self.met[fault] += 1
            self.faults = [fault]
            return super().answer(request)


class Sender:
    """A process that sends on request and can be killed."""

    def __init__(self, config: Path, started: float, log: Path) -> None:
        command = [sys.executable, "-m", "tests.post.publish.sender", str(config), str(SCALE), str(started)]
        self._log = log.open("ab")
        # The pipes carry orders and answers; what is said goes to the log.
        self._process = Process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)

    def run(self, seconds: float, kill_after: float | None) -> int:
        """Send for some seconds of the fast clock; kill it after `kill_after` real ones. Return the exit code."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{seconds}\n".encode())
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
        with self._process, self._log:
            self._process.wait()


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
@pytest.mark.parametrize("style", ["compact", "full"])
def test_faults_kills_and_late_files_lose_no_post(stage: Stage, discord: Chaotic, style: Style) -> None:
    """Faults of all kinds, senders killed at random, two at once, files late and out of order."""
    dice = random.Random(SEED)
    stage.settings = DiscordConfig(webhook_url=stage.hook.url, charts=False, digest_after=10_000, style=style)
    stage.switch_on()
    quirks = Quirks(surrenders=0.1, late_joiners=0.1, leavers=0.1, renames=0.1)
    files = list(generate(SEED, start=START, files=ROUNDS, zone=ZONE, maps=(3, 6), quirks=quirks))
    waiting = _shuffled(dice, files)
    started, log = FastClock(SCALE)(), stage.folder / "senders.log"
    senders = [Sender(stage.write_config(), started, log) for _ in range(2)]
    codes: Counter[int] = Counter()
    try:
        # A guard against hanging. A run takes 0.3 s, or up to RUN_SECONDS / SCALE where Discord makes it wait; two
        # a round are enough. The rest is for a busy machine.
        deadline = time.monotonic() + HANG_SECONDS + 10 * ROUNDS
        while waiting or codes.total() < ROUNDS // 2 or not _is_done(stage):
            assert time.monotonic() < deadline, (codes, discord.met, _unfinished(stage))
            stage.load(*(waiting.pop() for _ in range(min(len(waiting), dice.randrange(4)))))
            # A busy machine needs more runs: they may last longer each time, and are killed less often.
            slowness = 1 + codes.total() // ROUNDS
            limits = [RUN_SECONDS * slowness] * len(senders)
            kills = [dice.choice([None] * slowness + [dice.uniform(0.0, 0.4)]) for _ in senders]
            threads = [
                threading.Thread(target=lambda orders=orders: codes.update([orders[0].run(*orders[1:])]))
                for orders in zip(senders[: dice.choice([1, 1, 2])], limits, kills, strict=False)
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
    assert len(discord.early) <= codes[-signal.SIGKILL]
    _check_the_channel(stage, files)
    lines += log.read_bytes() + (stage.folder / "state" / "etstats.log").read_bytes()
    assert stage.hook.token.encode() not in lines + _dump(stage.conn).encode()


def _check_the_channel(stage: Stage, files: list[GeneratedFile]) -> None:
    """Check that every item has a row, every `sent` one message, and none has two."""
    discord = stage.discord
    assert discord.violations == []
    assert discord.duplicates == []
    ids = _ids(stage, "SELECT id FROM posts")
    posts = journal.posts(stage.conn, ids)
    assert {post.state for post in posts} <= {"sent", "unknown"}
    rounds = [post.filename for post in posts if post.kind == "round" or post.is_combined]
    assert sorted(rounds) == sorted(file.name for file in files)
    things = "SELECT count(*) FROM rounds WHERE round1_id IS NOT NULL"
    is_map = [post.kind == "map" or (post.is_combined and post.is_paired) for post in posts]
    assert [sum(is_map)] == _ids(stage, things)
    standing = Counter(post.message_id for post in discord.posts)
    for post in posts:
        assert (post.state == "sent") == (standing[post.message_id or ""] == 1), post
    if stage.settings.style == "compact":  # which names no files
        assert len(discord.posts) <= len(posts)
        return
    posted = Counter(_subject(post.payload) for post in discord.posts)
    rounds_and_maps = {what: count for what, count in posted.items() if what[1]}
    assert set(rounds_and_maps.values()) == {1}
    sessions = [post for post in posts if post.kind == "session"]
    assert sum(posted.values()) - len(rounds_and_maps) <= len(sessions)


def _subject(payload: dict[str, Any]) -> tuple[str, str]:
    """Return the kind of a message and the last file of its footer."""
    embed = payload["embeds"][0]
    kind = "map" if "map complete" in embed["title"] else "round" if "round" in embed["title"] else "session"
    footer = embed.get("footer", {}).get("text", "").splitlines()
    return kind, footer[-1] if footer else ""


def _is_done(stage: Stage) -> bool:
    """Return whether nothing is pending and every message equals the database."""
    return _ids(stage, "SELECT count(*) FROM posts WHERE state IN ('pending', 'sending')") == [0] and (
        stage.count("changed_sessions") == 0
    )


def _unfinished(stage: Stage) -> list[tuple[Any, ...]]:
    """Return the rows for which `_is_done` still waits, and what is known of the channels."""
    queries = (
        "SELECT * FROM changed_sessions",
        "SELECT * FROM channel_states",
        "SELECT id, kind, subject, state, attempts, claimed_at, message_id FROM posts WHERE state <> 'sent'",
    )
    with stage.conn.transaction():
        return [row for sql in queries for row in stage.conn.execute(sql)]


def _shuffled(dice: random.Random, files: list[GeneratedFile]) -> list[GeneratedFile]:
    """Return the files in order of arrival: mostly sorted, some late. The next one is the last of the list."""
    return sorted(files, key=lambda file: -(files.index(file) + dice.choice([0, 0, 0, 7])))


def _ids(stage: Stage, sql: str) -> list[int]:
    with stage.conn.transaction():
        return [row[0] for row in stage.conn.execute(sql)]


def _dump(conn: psycopg.Connection) -> str:
    with conn.transaction():
        tables = ("posts", "channel_states", "post_watermarks")
        return " ".join(str(conn.execute(f"SELECT * FROM {table}").fetchall()) for table in tables)
