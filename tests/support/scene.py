"""The parts of a scenario: a database, a game server, a Discord stand-in, and ways to kill a running command."""

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.verify import verify
from etstats.db import embedded
from etstats.db.connection import connect
from etstats.demo.discord import StandIn
from etstats.demo.game import GameServer
from etstats.demo.generator import generate, write_files
from etstats.demo.sftp_server import serve
from tests.support.processes import HANG_SECONDS, Process, etstats
from tests.support.workspace import Workspace, workspace

START = datetime(2025, 10, 2, 20)  # noqa: DTZ001  # the server's own clock
ROOMY = "500m"
Run = subprocess.CompletedProcess[str]
TEMPORARY = 75
_PLAN = RebuildPlan(gap=timedelta(minutes=60), zone_of=lambda _: ZoneInfo("UTC"))
_ACTIVE_CLIENTS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name = 'etstats'"
)


class ScenarioError(AssertionError):
    """A violated condition."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """The result of a scenario: kills, runs that ended before their kill, and faults."""

    kills: int = 0
    survived: int = 0
    agreed: int = 0
    """How often all that was stored was derived again from the archive, and was the same."""
    lost: int = 0
    twice: int = 0
    fault: str = ""
    codes: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Scene:
    """A database, a game server and its folder with some sessions in it, Discord's stand-in, and the random
    numbers of the scenario."""

    here: Workspace
    files: list[Path]
    discord: StandIn
    game: GameServer
    dice: random.Random
    tally: Tally = field(default_factory=Tally)
    work_seconds: float = 1.0
    """How long the command of this scenario is running in the database when nobody disturbs it."""

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """A connection to the database; started when it was killed, waited for while it recovers."""
        deadline = time.monotonic() + HANG_SECONDS
        while True:
            try:
                url = embedded.ensure_running(self.here.folder / "data")
                conn = psycopg.connect(url, autocommit=True, application_name="scenario")
                break
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        with conn:
            yield conn

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        with self.database() as conn:
            return conn.execute(sql.encode()).fetchall()

    def empty(self) -> None:
        """Delete all rows."""
        self.wait_for_cleanup()
        with self.database() as conn:
            conn.execute("TRUNCATE servers, player_aliases, changed_sessions CASCADE")

    def wait_for_cleanup(self) -> None:
        """Wait until PostgreSQL has noticed the killed client and released its locks."""
        deadline = time.monotonic() + HANG_SECONDS
        while time.monotonic() < deadline:
            # It may go away once more: one of its processes was killed, and it has only now noticed.
            with suppress(psycopg.OperationalError), self.database() as conn:
                while time.monotonic() < deadline:
                    if conn.execute(_ACTIVE_CLIENTS).fetchone() == (0,):
                        return
                    time.sleep(0.005)
        raise ScenarioError(f"{HANG_SECONDS:.0f} s after the kill its session still exists")

    def start(self, *words: str | Path) -> Process:
        """Start one command in a separate process."""
        return etstats(*words, env=self.here.environment)

    @contextmanager
    def working(self, *words: str | Path) -> Iterator[Process]:
        """Yield a command once it has connected to the database, or has ended."""
        self.wait_for_cleanup()
        with ExitStack() as stack:
            with self.database() as conn:
                process = stack.enter_context(self.start(*words))
                while process.poll() is None and conn.execute(_ACTIVE_CLIENTS).fetchone() == (0,):
                    time.sleep(0.002)
            yield process

    def measure(self, prepare: Callable[[], object], *words: str | Path, also: tuple[int, ...] = ()) -> None:
        """Run the command twice without kills, to measure the time in which kills fall."""
        taken = []
        for _ in range(2):
            prepare()
            with self.working(*words) as process:
                began = time.monotonic()
                ended = process.finish()
                taken.append(time.monotonic() - began)
            self._check_exit_code(ended, also)
        self.work_seconds = min(taken)  # the first one may find everything cold

    def kill(self, *words: str | Path, left: float = 1.0, also: tuple[int, ...] = ()) -> bool:
        """Kill a command at a random moment of its work; return False if it had ended.

        `left`: how much of the measured work there is still to do, 0 to 1.
        """
        with self.working(*words) as process:
            began = time.monotonic()
            try:
                ended = process.finish(self._moment(left))
            except subprocess.TimeoutExpired:
                self.tally.kills += 1
                return True
        if left == 1:  # all of it was done: the machine may be less busy than when it was measured
            self.work_seconds = (self.work_seconds + time.monotonic() - began) / 2
        self.ended(ended, also)
        return False

    def kill_database(self, *words: str | Path, left: float = 1.0) -> bool:
        """Kill PostgreSQL during a command, which must exit correctly; return False if it had ended."""
        with self.working(*words) as process:
            try:
                ended = process.finish(self._moment(left))
                is_killed = False
            except subprocess.TimeoutExpired:
                if is_killed := self._kill_postgres():
                    self.tally.kills += 1
                ended = process.finish()
        self.ended(ended, (TEMPORARY,), counts=not is_killed)
        return is_killed

    def finish(self, *words: str | Path, also: tuple[int, ...] = ()) -> str:
        """Wait until a command succeeds; return its output."""
        self.wait_for_cleanup()
        with self.start(*words) as process:
            ended = process.finish()
        self._check_exit_code(ended, also)
        return ended.stdout + ended.stderr

    def check_against_archive(self) -> None:
        """Raise unless all stored rows agree with the archive."""
        self.wait_for_cleanup()
        with connect(embedded.ensure_running(self.here.folder / "data"), read_only=True) as conn:
            if found := verify(conn, _PLAN).differences:
                raise ScenarioError(f"{len(found)} rows differ from the archive, the first: {found[0]}")
        self.tally.agreed += 1

    def check_with_rebuild_verify(self) -> None:
        """Raise unless `rebuild --verify` finds no difference."""
        self.finish("-q", "rebuild", "--verify")
        self.tally.agreed += 1

    def check_all_stored(self) -> None:
        """Raise unless each file is stored once, with its bytes and its round."""
        names = {path.name: path.read_bytes() for path in self.files}
        stored = self.rows("SELECT filename, content FROM processed_files WHERE success")
        rounds = [
            name for (name,) in self.rows("SELECT filename FROM rounds JOIN processed_files f ON f.id = file_id")
        ]
        self.tally.lost += sum((name, content) not in stored for name, content in names.items())
        self.tally.lost += len(names.keys() - set(rounds))
        self.tally.twice += len(stored) - len({name for name, _ in stored}) + len(rounds) - len(set(rounds))
        if self.tally.lost or self.tally.twice or len(stored) != len(names):
            raise ScenarioError(
                f"{len(names)} files were sent; {len(stored)} are stored, with {len(rounds)} rounds"
            )

    def ended(self, run: Run, also: tuple[int, ...] = (), *, counts: bool = True) -> None:
        """Count a run that ended before its kill; raise unless it succeeded."""
        self._check_exit_code(run, also)
        self.tally.survived += counts
        self.tally.codes[run.returncode] = self.tally.codes.get(run.returncode, 0) + 1

    def _check_exit_code(self, run: Run, also: tuple[int, ...]) -> None:
        if run.returncode not in (0, *also) or "Traceback" in run.stderr:
            raise ScenarioError(f"ended with {run.returncode}: {run.stderr[-1500:]}")

    def _moment(self, left: float) -> float:
        # A quarter for what a run does however little is left to do.
        return self.dice.uniform(0, self.work_seconds * (0.25 + 0.75 * left))

    def _kill_postgres(self) -> bool:
        """Kill all of PostgreSQL, like a power failure, or one process, like a kernel without memory."""
        pid = embedded.status(self.here.folder / "data").pid
        if pid is None:
            return False
        with suppress(FileNotFoundError, ProcessLookupError):
            listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
            children = [int(child) for child in listed]
            struck = [pid, *children] if self.dice.random() < 0.7 or not children else [children[-1]]
            for each in struck:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            return True
        return False


def can_mount() -> bool:
    """Return whether this process may mount a small disk; that requires root."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            mount(Path(folder), "size=1m")
        except (OSError, subprocess.CalledProcessError):
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def mount(folder: Path, options: str) -> None:
    """Mount a small disk on a folder, or change its size."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def scene(seed: int, files: int, *, small_disk: bool = False, has_notices: bool = False) -> Iterator[Scene]:
    """Everything a scenario needs, removed at the end; `has_notices`: messages that are about no round are posted.

    They are about who plays now, what `health` finds and the last month, to whose start the sessions are moved.
    """
    with ExitStack() as stack:
        game = stack.enter_context(GameServer(names=["Alpha", "Beta", "Gamma"]))
        here, discord = stack.enter_context(workspace()), stack.enter_context(StandIn(limited=False))
        if small_disk:
            data = here.folder / "data"
            data.mkdir()
            mount(data, f"size={ROOMY},mode=711")
            stack.callback(subprocess.run, ["umount", str(data)], check=True)
            stack.callback(embedded.stop, data)
        folder, keys = here.folder / "files", here.folder / "keys"
        folder.mkdir()
        keys.mkdir(mode=0o700)
        start = _last_month() if has_notices else START
        write_files(folder, generate(seed, start=start, files=files, pause_days=(0, 1), zone="UTC"))
        server = stack.enter_context(serve(folder, keys))
        known_hosts = keys / "known_hosts"
        known_hosts.write_text(server.known_hosts_line + "\n", encoding="utf-8")
        lines = [
            "[[servers]]",
            'name = "main"',
            f'host = "{server.host}"',
            f"port = {server.port}",
            f'user = "{server.user}"',
            f'key_file = "{server.key_file}"',
            f'known_hosts = "{known_hosts}"',
            f'remote_path = "{server.remote_path}"',
            *([f'query = "{game.address}"'] if has_notices else []),
            "[discord]",
            f'webhook_url = "{discord.add_webhook().url}"',
            "charts = false",
            "digest_after = 1000",
        ]
        if has_notices:
            lines += ["status = true", 'kinds = ["game_on"]', "game_on_players = 3"]
            lines.append(f'admin_webhook_url = "{discord.add_webhook().url}"')
        config = here.folder / "config.toml"
        config.chmod(0o600)
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        here.etstats("-q", "db", "migrate")
        yield Scene(
            here=here, files=sorted(folder.iterdir()), discord=discord, game=game, dice=random.Random(seed)
        )


def _last_month() -> datetime:
    """Return the second day of the previous month; sessions of that day are entirely in that month."""
    now = datetime.now()  # noqa: DTZ005  # the server's own clock
    return (now.replace(day=1) - timedelta(days=1)).replace(day=2, hour=20, minute=0, second=0, microsecond=0)
