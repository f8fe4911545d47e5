"""Times of a sync: 3,700 round files over loopback, 30 ms and 100 ms, next to rsync, lftp, rclone and sftp.

    python -m benchmarks.sync

Whole processes from start to end: fetch and local copy, no database; medians. The files are in a memory file
system if there is one, so that the disk is not measured. The server is OpenSSH's sshd if it is installed, else the
server of the tests; the other tools are measured if they are installed.
"""

import math
import os
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from etstats.sync.source import SftpSettings

ROUND_FILES, OTHER_FILES, RUNS = 3_700, 700, 5
ROUND_TRIPS = (0.0, 0.030, 0.100)
TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A connection to the server, with or without delay: its address, and an empty folder for copies."""

    settings: SftpSettings
    target: Path

    @property
    def ssh_options(self) -> list[str]:
        """Return options of OpenSSH's clients for the same key, host key and port."""
        return [
            *("-F", "none", "-i", str(self.settings.key_file), "-o", "BatchMode=yes"),
            *("-o", f"UserKnownHostsFile={self.settings.known_hosts}", "-o", f"Port={self.settings.port}"),
        ]

    @property
    def address(self) -> str:
        """Return the server's folder in the notation of scp and rsync."""
        return f"{self.settings.user}@{self.settings.host}:{self.settings.remote_path}/"


Tool = Callable[[Link, bool], "list[str] | None"]
"""Makes the command for a link; the flag: all files are known."""


def run(runs: int = RUNS) -> str:
    """Measure and return a table in Markdown."""
    from tests.support.sftp_server import SSHD, OpenSshServer, TestServer

    with tempfile.TemporaryDirectory(prefix="etstats-bench-", dir=_memory()) as scratch, ExitStack() as stack:
        root, keys = Path(scratch, "gamestats"), Path(scratch, "keys")
        for folder in (root, keys):
            folder.mkdir(mode=0o700)
        make_files(root)
        kind: type[Any] = OpenSshServer if SSHD else TestServer
        server = stack.enter_context(kind(root, keys))
        links = [_link(stack, server.settings(), keys, round_trip) for round_trip in ROUND_TRIPS]
        tools: dict[str, Tool] = {"etstats": _etstats}
        if shutil.which("rsync") and SSHD:
            tools["rsync -e ssh"] = _rsync
        if shutil.which("lftp"):
            tools["lftp mirror, 8 at once"] = _lftp
        if shutil.which("rclone"):
            tools["rclone copy, 8 at once"] = _rclone
        if shutil.which("sftp"):
            tools["sftp -b"] = _sftp
        rows = _measure(tools, links, runs)
        polls = [f"{1000 * _poll_seconds(link):.1f} ms" for link in links]
    return _table(rows, polls, "OpenSSH" if SSHD else "the tests' own SFTP server", runs)


def _memory() -> Path | None:
    """Return a folder in memory, if there is one."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else None


def make_files(root: Path) -> None:
    """Write round files of 1 to 4 KB and other files, always with the same bytes."""
    source = random.Random(1)
    for number in range(ROUND_FILES + OTHER_FILES):
        stamp = f"{2024 + number // 2_400}-{1 + number // 200 % 12:02d}-{1 + number % 28:02d}-{number:06d}"
        name = f"{stamp}-supply-round-{1 + number % 2}{'.txt' if number < ROUND_FILES else '_ws.txt'}"
        path = root / name
        path.write_bytes(source.randbytes(source.randint(1_000, 4_000)))
        os.utime(path, (1_700_000_000 + number,) * 2)


def fetch(settings: SftpSettings, target: Path, known: bool) -> None:
    """Do the work of the measured process: connect, list, plan, fetch, and write the local copies."""
    from datetime import datetime

    from etstats.sync.local_copies import local_files, write_copy
    from etstats.sync.opening import open_source
    from etstats.sync.planner import plan
    from etstats.sync.source import Fetched

    stamp = datetime.fromisoformat("2025-10-01")

    def stamp_of(name: str) -> datetime | None:
        return stamp if name.endswith(("-round-1.txt", "-round-2.txt")) else None

    with open_source(settings) as source:
        listing = source.list_files()
        assert listing is not None
        todo = plan(listing, stamp_of=stamp_of, known=local_files(target) if known else {})
        assert len(todo.to_fetch) == (0 if known else ROUND_FILES)
        for outcome in source.fetch(todo.to_fetch):
            assert isinstance(outcome, Fetched)
            write_copy(target, outcome.file.name, outcome.content, outcome.file.mtime)


def _link(stack: ExitStack, settings: SftpSettings, keys: Path, round_trip: float) -> Link:
    from benchmarks.delay_proxy import DelayProxy

    target = keys.parent / f"copy-{round_trip}"
    if round_trip and settings.port and settings.known_hosts:
        proxy = stack.enter_context(DelayProxy(settings.host, settings.port, round_trip))
        known = keys / f"known_hosts-{round_trip}"
        known.write_text(settings.known_hosts.read_text().replace(f":{settings.port} ", f":{proxy.port} "))
        settings = replace(settings, port=proxy.port, known_hosts=known)
    return Link(settings=settings, target=target)


def _measure(tools: dict[str, Tool], links: list[Link], runs: int) -> list[list[str]]:
    """Time cold and nothing-new runs on each link, the tools in turn; return a row per tool, and their ratio.

    A tool that exceeds the time limit is not run again.
    """
    seconds_of: dict[tuple[str, int, bool], list[float]] = {}
    for number, link in enumerate(links):
        for _ in range(runs):
            for name, tool in tools.items():
                for known in (False, True):
                    seconds = seconds_of.setdefault((name, number, known), [])
                    if not math.isinf(sum(seconds)) and (argv := tool(link, known)) is not None:
                        seconds.append(_seconds(argv, link, known))
    columns = [(number, known) for number in range(len(links)) for known in (False, True)]
    rows = [[name, *(_cell(seconds_of[name, *column]) for column in columns)] for name in tools]
    if "rsync -e ssh" in tools:
        pairs = [(seconds_of["etstats", *column], seconds_of["rsync -e ssh", *column]) for column in columns]
        ratios = (statistics.median(ours) / statistics.median(theirs) for ours, theirs in pairs)
        rows.append(["etstats / rsync", *(f"{ratio:.2f}" for ratio in ratios)])
    return rows


def _cell(seconds: list[float]) -> str:
    if not seconds:
        return "-"
    return f"> {TIMEOUT_SECONDS:.0f}" if math.isinf(sum(seconds)) else f"{statistics.median(seconds):.2f}"


def _seconds(argv: list[str], link: Link, known: bool) -> float:
    """Return the time of one process; infinity after a timeout."""
    if not known:
        shutil.rmtree(link.target, ignore_errors=True)
        link.target.mkdir()
    began = time.perf_counter()
    try:
        subprocess.run(argv, check=True, timeout=TIMEOUT_SECONDS, stdout=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return math.inf
    return time.perf_counter() - began


def _etstats(link: Link, known: bool) -> list[str]:
    to = link.settings
    values = [to.host, to.port, to.user, to.key_file, to.known_hosts, to.remote_path, link.target]
    argv = [sys.executable, "-m", "benchmarks.sync", *(str(value) for value in values)]
    return [*argv, "known"] if known else argv


def _rsync(link: Link, _known: bool) -> list[str]:
    shell = shlex.join(["ssh", *link.ssh_options])
    return ["rsync", "-a", "--include=*-round-?.txt", "--exclude=*", "-e", shell, link.address, str(link.target)]


def _lftp(link: Link, _known: bool) -> list[str]:
    to = link.settings
    script = (
        f'set sftp:connect-program "{shlex.join(["ssh", "-a", "-x", *link.ssh_options])}"; '
        f"open sftp://{to.user}:@{to.host}:{to.port}; "
        f"mirror --parallel=8 --include-glob=*-round-?.txt {to.remote_path} {link.target}"
    )
    return ["lftp", "-c", script]


def _rclone(link: Link, _known: bool) -> list[str]:
    to = link.settings
    options = {
        "config": "/dev/null",
        "transfers": "8",
        "include": "*-round-?.txt",
        "sftp-host": str(to.host),
        "sftp-port": str(to.port),
        "sftp-user": str(to.user),
        "sftp-key-file": str(to.key_file),
        "sftp-known-hosts-file": str(to.known_hosts),
    }
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    return ["rclone", "copy", "--sftp-disable-hashcheck", *flags, f":sftp:{to.remote_path}", str(link.target)]


def _sftp(link: Link, known: bool) -> list[str] | None:
    if known:
        return None
    batch = link.target.with_suffix(".batch")
    batch.write_text(f"get -p {link.settings.remote_path}/*-round-?.txt {link.target}/\n")
    return ["sftp", "-q", *link.ssh_options, "-b", str(batch), f"{link.settings.user}@{link.settings.host}"]


def _poll_seconds(link: Link) -> float:
    """Return the time of one poll over an open connection without new files."""
    from etstats.sync.opening import open_source

    with open_source(link.settings) as source:
        listing = source.list_files()
        assert listing is not None
        settled = listing.state._replace(first_seen=listing.state.listed - 5, recent=())
        taken: list[float] = []
        for _ in range(50):
            began = time.perf_counter()
            assert source.list_files(settled) is None
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _trips() -> str:
    return ", ".join(f"{round_trip * 1000:.0f} ms" for round_trip in ROUND_TRIPS)


def _table(rows: list[list[str]], polls: list[str], server: str, runs: int) -> str:
    head = ["seconds"] + [
        f"{what}, {round_trip * 1000:.0f} ms" for round_trip in ROUND_TRIPS for what in ("cold", "nothing new")
    ]
    table = [head, ["---"] * len(head), *rows]
    return (
        f"{ROUND_FILES:,} round files of 1-4 KB in a folder of {ROUND_FILES + OTHER_FILES:,} names, served by "
        f"{server} on loopback; whole processes, fetch and local copy only, medians of {runs}.\n\n"
        + "\n".join(f"| {' | '.join(row)} |" for row in table)
        + f"\n\nListing over an open connection, nothing new: {', '.join(polls)} at {_trips()}.\n"
    )


def main(arguments: list[str]) -> None:
    """Measure; with arguments, be the measured process."""
    if not arguments:
        sys.stdout.write(run())
        return
    host, port, user, key_file, known_hosts, remote_path, target, *known = arguments
    settings = SftpSettings(
        host=host,
        port=int(port),
        user=user,
        key_file=Path(key_file),
        known_hosts=Path(known_hosts),
        remote_path=remote_path,
        ssh_config=None,
    )
    fetch(settings, Path(target), known=bool(known))


if __name__ == "__main__":
    main(sys.argv[1:])
