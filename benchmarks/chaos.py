"""Kill it at random moments, hundreds of times, and look each time at what is left.

    python -m benchmarks.chaos                          all storms, 60 kills each
    python -m benchmarks.chaos import post --kills 200 --seed 7

A storm starts a command, kills it (SIGKILL, or its PostgreSQL) after a random time, and looks: what the base holds
must be what its archive says. At the end the command may finish; nothing may be lost, nothing be there twice.
What a storm finds broken it says with the seed, and the exit code is 1.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.measuring import Place, place
from etstats.db import embedded
from etstats.demo.discord import StandIn
from etstats.demo.generator import generate, write_files
from etstats.demo.sftp_server import serve

FILES = 150
START = datetime(2025, 10, 2, 20)  # noqa: DTZ001  # the server's own clock
_COMMAND = "etstats"
_TEMPORARY = 75
_TRIES = 10
_ROOMY = "500m"


class BrokenError(AssertionError):
    """What must not be."""


@dataclass(slots=True, kw_only=True)
class Toll:
    """What a storm did: kills that hit a working process, runs that ended before, and how runs then ended."""

    kills: int = 0
    survived: int = 0
    codes: dict[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line."""
        codes = ", ".join(f"{count} with {code}" for code, count in sorted(self.codes.items()))
        return (
            f"{self.kills} killed, {self.survived} ended before ({codes or 'none'}); nothing lost, nothing twice"
        )


@dataclass(slots=True, kw_only=True)
class Scene:
    """A base, a game server's folder with some evenings in it, Discord's stand-in, and the dice of the storm."""

    here: Place
    files: list[Path]
    discord: StandIn
    dice: random.Random
    toll: Toll = field(default_factory=Toll)

    @property
    def url(self) -> str:
        """The base's address; started when it was killed."""
        return embedded.ensure_running(self.here.folder / "data")

    def start(self, *words: str | Path) -> "subprocess.Popen[bytes]":
        """One command, in a process of its own."""
        command = [sys.executable, "-m", _COMMAND, *map(str, words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self.here.environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )

    def kill(self, *words: str | Path, within: float, also: tuple[int, ...] = ()) -> bool:
        """Start a command and kill it at a random moment; False when it had ended by itself."""
        process = self.start(*words)
        try:
            _, said = process.communicate(timeout=self.dice.uniform(0.15, within))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.toll.kills += 1
            return True
        self.ended(process.returncode, said, also)
        return False

    def strike_base(self, *words: str | Path, within: float) -> None:
        """Start a command and kill its PostgreSQL under it; the command must end by itself, in good order."""
        process = self.start(*words)
        time.sleep(self.dice.uniform(0.15, within))
        status = embedded.status(self.here.folder / "data")
        if status.pid is not None:
            children = Path(f"/proc/{status.pid}/task/{status.pid}/children").read_text(encoding="ascii").split()
            # A power cut takes all of it; a kernel short of memory takes one.
            struck = [status.pid, *map(int, children)] if self.dice.random() < 0.7 else [int(children[-1])]
            for pid in struck:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.toll.kills += 1
        _, said = process.communicate(timeout=120)
        self.ended(process.returncode, said, (_TEMPORARY,))

    def finish(self, *words: str | Path, also: tuple[int, ...] = ()) -> str:
        """Let a command run to its end, again while it ends with 75; returns what it said."""
        for _ in range(_TRIES):
            process = self.start(*words)
            out, said = process.communicate(timeout=300)
            if process.returncode != _TEMPORARY:
                break
            time.sleep(0.5)  # PostgreSQL has not noticed yet that the killed one is gone
        if process.returncode not in (0, *also):
            raise BrokenError(f"{words} ended with {process.returncode}: {said.decode(errors='replace')[-1500:]}")
        return (out + said).decode(errors="replace")

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What the base answers."""
        with psycopg.connect(self.url) as conn:
            return conn.execute(sql.encode()).fetchall()

    def empty(self) -> None:
        """Begin again with an empty base."""
        with psycopg.connect(self.url) as conn:
            conn.execute("TRUNCATE servers, player_aliases, changed_sessions CASCADE")

    def is_true(self) -> None:
        """Raise unless everything stored is what the archive says."""
        self.finish("-q", "rebuild", "--verify")

    def holds_all(self) -> None:
        """Raise unless each file is there once, with its bytes, and each has its round."""
        names = {path.name: path.read_bytes() for path in self.files}
        stored = dict(self.rows("SELECT filename, content FROM processed_files WHERE success"))
        if stored != names:
            raise BrokenError(f"{len(stored)} files are stored, {len(names)} were sent, or their bytes differ")
        rounds = self.rows("SELECT count(*), count(DISTINCT file_id) FROM rounds")
        if rounds != [(len(names), len(names))]:
            raise BrokenError(f"{rounds} rounds of {len(names)} files")

    def ended(self, code: int, said: bytes, also: tuple[int, ...] = ()) -> None:
        """Count a run that came to an end by itself; raise unless it was a good one."""
        text = said.decode(errors="replace")
        if code not in (0, *also) or "Traceback" in text:
            raise BrokenError(f"ended with {code}: {text[-1500:]}")
        self.toll.survived += 1
        self.toll.codes[code] = self.toll.codes.get(code, 0) + 1


def kill_import(scene: Scene, kills: int) -> None:
    """Import the folder again and again, killed each time, until all of it is there; then from the beginning."""
    _until_all_is_there(scene, kills, ("-q", "import", scene.here.folder / "files"))


def kill_sync(scene: Scene, kills: int) -> None:
    """The same over SFTP: and no local copy is ever half a file."""

    def copies_are_whole() -> None:
        sent = {path.name: path.read_bytes() for path in scene.files}
        for copy in (scene.here.folder / "data" / "gamestats" / "main").glob("*.txt"):
            if copy.read_bytes() != sent.get(copy.name):
                raise BrokenError(f"{copy.name}: the local copy is not what the server has")

    _until_all_is_there(scene, kills, ("-q", "sync"), copies_are_whole)


def strike_base(scene: Scene, kills: int) -> None:
    """Kill PostgreSQL itself in mid-import; the import ends with 75 and the next one goes on."""
    while scene.toll.kills < kills:
        scene.empty()
        for _ in range(3):
            scene.strike_base("-q", "import", scene.here.folder / "files", within=1.5)
            scene.is_true()
        scene.finish("-q", "import", scene.here.folder / "files")
        scene.holds_all()


def kill_rebuild(scene: Scene, kills: int) -> None:
    """Derive everything again, killed: the old rows stand as if nothing had been."""
    scene.finish("-q", "import", scene.here.folder / "files")
    before = _fingerprint(scene)
    while scene.toll.kills < kills:
        scene.kill("-q", "rebuild", "--yes", within=1.5)
        scene.is_true()
        if _fingerprint(scene) != before:
            raise BrokenError("the rows are not what they were")
    scene.holds_all()


def kill_post(scene: Scene, kills: int) -> None:
    """Post two evenings, killed: each message stands there once, or its fate is unknown and shown."""
    while scene.toll.kills < kills:
        scene.empty()
        scene.discord.posts.clear()
        scene.finish("-q", "import", scene.here.folder / "files", "--limit", "12")
        scene.finish("-q", "post", "--since", "2026-01-01")
        words = ("-q", "post", "--since", "all")
        while scene.kill(*words, within=2.0, also=(3,)) and scene.toll.kills < kills:
            pass
        scene.finish("-q", "post", also=(3,))
        _posts_are_right(scene)


def kill_backup(scene: Scene, kills: int) -> None:
    """Back up, killed: what lies there as a backup is whole, and nothing of the killed ones stays."""
    scene.finish("-q", "import", scene.here.folder / "files")
    while scene.toll.kills < kills:
        scene.kill("-q", "backup", within=3.0)
        scene.is_true()
    scene.finish("-q", "backup")
    folder = scene.here.folder / "data" / "backups"
    listed = scene.finish("backup", "--list", "--csv").splitlines()[1:]
    left = [path.name for path in folder.iterdir() if not any(path.name in line for line in listed)]
    if left:
        raise BrokenError(f"left behind in {folder}: {left}")
    if scratch := scene.rows(r"SELECT datname FROM pg_database WHERE datname LIKE 'etstats\_scratch\_%'"):
        raise BrokenError(f"left behind in the base: {scratch}")
    scene.finish("-q", "restore", "latest", "--yes")
    scene.holds_all()


def fill_disk(scene: Scene, kills: int) -> None:
    """Import onto a disk that is too small: a run ends with 75 in words, and all is there once there is room."""
    data = scene.here.folder / "data"
    while scene.toll.kills < kills:
        scene.empty()
        used = sum(path.stat().st_blocks for path in data.rglob("*")) * 512 // 2**20
        _mount(data, f"remount,size={used + scene.dice.randrange(1, 4)}m")
        process = scene.start("-q", "import", scene.here.folder / "files")
        _, said = process.communicate(timeout=120)
        _mount(data, f"remount,size={_ROOMY}")
        scene.ended(process.returncode, said, (_TEMPORARY,))
        scene.toll.kills += process.returncode == _TEMPORARY
        scene.is_true()
        scene.finish("-q", "import", scene.here.folder / "files")
        scene.holds_all()


def can_mount() -> bool:
    """Whether this process may make a small disk to fill up; it takes root."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            _mount(Path(folder), "size=1m")
        except (OSError, subprocess.CalledProcessError):
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def _mount(folder: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


STORMS: dict[str, Callable[[Scene, int], None]] = {
    "import": kill_import,
    "sync": kill_sync,
    "base": strike_base,
    "rebuild": kill_rebuild,
    "post": kill_post,
    "backup": kill_backup,
    "disk": fill_disk,
}


def storm(name: str, *, seed: int, kills: int, files: int = FILES) -> Toll:
    """Run one storm; BrokenError when something was lost, is there twice, or is not what the archive says."""
    with scene(seed, files, small_disk=name == "disk") as made:
        STORMS[name](made, kills)
        return made.toll


@contextmanager
def scene(seed: int, files: int = FILES, *, small_disk: bool = False) -> Iterator[Scene]:
    """All that a storm needs, thrown away at the end."""
    with ExitStack() as stack:
        here, discord = stack.enter_context(place()), stack.enter_context(StandIn(limited=False))
        if small_disk:
            data = here.folder / "data"
            data.mkdir()
            _mount(data, f"size={_ROOMY},mode=711")
            stack.callback(subprocess.run, ["umount", str(data)], check=True)
            stack.callback(embedded.stop, data)
        folder, keys = here.folder / "files", here.folder / "keys"
        folder.mkdir()
        keys.mkdir(mode=0o700)
        write_files(folder, generate(seed, start=START, files=files, pause_days=(0, 1), zone="UTC"))
        with serve(folder, keys) as server:
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
                "[discord]",
                f'webhook_url = "{discord.add_webhook().url}"',
                "charts = false",
                "digest_after = 1000",
            ]
            config = here.folder / "config.toml"
            config.chmod(0o600)
            config.write_text("\n".join(lines) + "\n", encoding="utf-8")
            here.etstats("-q", "db", "migrate")
            yield Scene(here=here, files=sorted(folder.iterdir()), discord=discord, dice=random.Random(seed))


def _until_all_is_there(
    scene: Scene, kills: int, words: tuple[str | Path, ...], look: Callable[[], None] = lambda: None
) -> None:
    while scene.toll.kills < kills:
        scene.empty()
        was_killed = True
        while was_killed and scene.toll.kills < kills:
            was_killed = scene.kill(*words, within=1.5)
            look()
            scene.is_true()
        scene.finish(*words)
        look()
        scene.is_true()
        scene.holds_all()


def _fingerprint(scene: Scene) -> list[tuple[object, ...]]:
    """What the derived rows are, in short; ids included, because a rebuild keeps them."""
    tables = (
        "rounds",
        "player_comprehensive_stats",
        "weapon_comprehensive_stats",
        "session_teams",
        "player_aliases",
    )
    left_out = "- 'stored_at'"
    sums = (
        f"SELECT '{t}', count(*), sum(hashtextextended((to_jsonb(t) {left_out})::text, 0)) FROM {t} t"
        for t in tables
    )
    return scene.rows(" UNION ALL ".join(sums))


def _posts_are_right(scene: Scene) -> None:
    """Each thing to be told has one row, what counts as sent stands there, and nothing stands there twice."""
    posts = scene.rows("SELECT kind, subject, state, message_id FROM posts")
    standing = [post.message_id for post in scene.discord.posts]
    sent = {message_id for _, _, state, message_id in posts if state == "sent"}
    unknown = [post for post in posts if post[2] == "unknown"]
    faults = [
        *scene.discord.violations,
        *scene.discord.duplicates,
        *(f"{post} is neither sent nor unknown" for post in posts if post[2] not in ("sent", "unknown")),
        *(f"message {message_id} counts as sent and does not stand there" for message_id in sent - set(standing)),
    ]
    if not len(sent) <= len(standing) <= len(sent) + len(unknown):
        faults.append(
            f"{len(standing)} messages stand there, {len(sent)} sent and {len(unknown)} unknown are known of"
        )
    wished = scene.rows(
        "SELECT count(*) + count(DISTINCT match_id) FILTER (WHERE round_number = 2)"
        " + count(DISTINCT gaming_session_id) FROM rounds"
    )
    if wished != [(len(posts),)]:
        faults.append(f"{len(posts)} things were told of {wished}")
    if faults:
        raise BrokenError("; ".join(faults))


def main(arguments: list[str]) -> int:
    """Run the storms asked for; 1 when one of them found a fault."""
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("storms", nargs="*", choices=[*STORMS, []], help="which storms; all when none is named")
    parser.add_argument("--kills", type=int, default=60, help="kills of each storm")
    parser.add_argument(
        "--seed", type=int, default=int(datetime.now(UTC).timestamp()), help="to have a storm again"
    )
    given = parser.parse_args(arguments)
    faults = 0
    for name in given.storms or STORMS:
        if name == "disk" and not can_mount():
            print(f"{name:8} left out: it takes root to make a small disk", flush=True)
            continue
        began = time.monotonic()
        try:
            toll: object = storm(name, seed=given.seed, kills=given.kills)
        except BrokenError as fault:
            faults += 1
            toll = f"FAULT with --seed {given.seed}: {fault}"
        print(f"{name:8} {time.monotonic() - began:6.0f} s  {toll}", flush=True)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
