"""A league with many players, maps and servers: the cost of queries as it grows.

Its rows are made by the database itself; files of so many rounds would take hours to write and import.
"""

import os
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measuring import median, table
from etstats.db import embedded, sealing
from etstats.db.connection import Connection, connect
from tests.support.workspace import Workspace, workspace

# Rounds: years over which they are spread, and people.
SIZES = {3_700: (1, 400), 40_000: (4, 1_500), 400_000: (12, 4_000)}
NEWEST = datetime(2025, 11, 12, tzinfo=UTC)
FILL = Path(__file__).with_name("league.sql")
REGULAR, OTHER = "00000001", "00000002"
COMMANDS = {
    "leaderboard kd": ("leaderboard", "kd"),
    "leaderboard gibs --per round": ("leaderboard", "gibs", "--per", "round"),
    "leaderboard kd --map map3": ("leaderboard", "kd", "--map", "map3"),
    "leaderboard kd --server south": ("leaderboard", "kd", "--server", "south"),
    "leaderboard kd --since 2025-01-01": ("leaderboard", "kd", "--since", "2025-01-01"),
    "leaderboard --weapon MP40": ("leaderboard", "--weapon", "MP40"),
    "player (the one with most rounds)": ("player", REGULAR),
    "player (of the tail)": ("player", "{tail}"),
    "compare": ("compare", REGULAR, OTHER),
    "players": ("players",),
    "records": ("records",),
    "records --map map3": ("records", "--map", "map3"),
    "weapons": ("weapons",),
    "maps": ("maps",),
    "session": ("session",),
    "sessions": ("sessions",),
    "round": ("round",),
    "awards": ("awards",),
    "awards --since all": ("awards", "--since", "all"),
    "leaderboard mvp": ("leaderboard", "mvp"),
    "achievements": ("achievements",),
    "season": ("season",),
    "recap": ("recap",),
}


def run(runs: int = 5, largest: int = 400_000, keep: Path | None = None) -> str:
    """Measure up to `largest` rounds and return a table in Markdown.

    `keep`: a folder for the databases, which are used again.
    """
    sizes = [size for size in SIZES if size <= largest]
    measured = [_measure(size, runs, keep and keep / str(size)) for size in sizes]
    head = ["step", *(f"{size:,} rounds" for size in sizes), "largest to smallest"]
    rows = [
        [name, *(f"{took[name]:.2f} s" for took in measured), f"{measured[-1][name] / measured[0][name]:.2f} x"]
        for name in measured[0]
    ]
    people = ", ".join(f"{SIZES[size][1]:,}" for size in sizes)
    return (
        f"Leagues of 3 servers, 20 maps and {people} people, most of whom play a few rounds; 8 play in a round. "
        "Past periods are sealed where there are enough rounds. Seconds of processor time of the whole "
        f"process and of its database connection together, medians of {runs}.\n\n" + table(head, rows)
    )


def _measure(size: int, runs: int, keep: Path | None) -> dict[str, float]:
    with workspace(keep) as here:
        here.etstats("db", "migrate")
        url = embedded.ensure_running(here.folder / "data")
        with connect(url) as conn:
            if conn.execute("SELECT NOT EXISTS (SELECT FROM rounds)").fetchone() == (True,):
                fill(conn, size)
            began = time.perf_counter()
            periods = sealing.seal(conn)
            seconds = time.perf_counter() - began
            conn.execute("ANALYZE")
            conn.commit()
            (tail,) = conn.execute(
                "SELECT guid FROM player_aliases ORDER BY times_seen, guid LIMIT 1"
            ).fetchone() or ("",)
        print(f"{size:,} rounds: {periods} periods sealed in {seconds:.1f} s", flush=True)
        here.etstats("-q", "player", REGULAR)  # rates the matches
        return {
            name: median(cpu_seconds(here, [word.format(tail=tail) for word in words]) for _ in range(runs))
            for name, words in COMMANDS.items()
        }


def fill(conn: Connection, rounds: int) -> None:
    """Generate a league of this many rounds."""
    years, people = SIZES[rounds]
    start = NEWEST - timedelta(days=365 * years)
    statements = FILL.read_text(encoding="utf-8")
    for name, value in {"rounds": rounds, "people": people, "start": start, "stop": NEWEST}.items():
        statements = statements.replace(f":{name}", f"'{value}'" if isinstance(value, datetime) else str(value))
    conn.execute(statements)
    conn.commit()
    conn.autocommit = True
    conn.execute("VACUUM ANALYZE")
    conn.autocommit = False


def cpu_seconds(here: Workspace, words: list[str]) -> float:
    """Run a command; return its CPU time and that of the database connections that it opened."""
    server = _Server(here)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    here.etstats("-q", *words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return own + server.seconds_since()


class _Server:
    """The main process of an embedded PostgreSQL: the kernel adds up the time of its ended children."""

    def __init__(self, here: Workspace) -> None:
        (file,) = (here.folder / "data").rglob("postmaster.pid")
        self._proc = Path("/proc") / file.read_text(encoding="ascii").split()[0]
        self._processes = self._children()
        self._before = self._ended_seconds()

    def seconds_since(self) -> float:
        """Wait until the processes started since have ended, and return their time."""
        until = time.monotonic() + 1
        while not self._children() <= self._processes and time.monotonic() < until:
            time.sleep(0.005)
        return self._ended_seconds() - self._before

    def _children(self) -> set[str]:
        return set((self._proc / "task" / self._proc.name / "children").read_text(encoding="ascii").split())

    def _ended_seconds(self) -> float:
        fields = (self._proc / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
