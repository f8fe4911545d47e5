"""Times of reading commands as complete processes, and of the queries alone."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from benchmarks.measuring import median, table
from etstats.cli import COMMANDS
from etstats.db import boards, embedded
from etstats.db.connection import connect
from etstats.db.scope import Scope
from etstats.demo.generator import generate, write_files
from etstats.domain.rules.boards import BOARDS
from etstats.stats import rankings
from tests.support.workspace import Workspace, workspace

SMALL, LARGE, SMALL_LARGE = 3_700, 40_000, 8_000
PLAYERS = 9  # 40,000 files: a third of a million player rows, two million weapon rows
START = datetime(2013, 1, 1, 20)  # noqa: DTZ001  # the server's own clock
WEAPON = "MP40"
_EMPTY = """
import typer
app = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
def command() -> None:
    "Show something."
for panel, count in enumerate({panels}):
    for number in range(count):
        app.command(f"command-{{panel}}-{{number}}", rich_help_panel=f"Panel {{panel}}")(command)
app(["--help"])
"""
_FLOOR = """
import psycopg
with psycopg.connect({url!r}) as conn:
    conn.execute("SELECT 1").fetchone()
"""


def run(runs: int = 5) -> str:
    """Measure and return tables in Markdown; with one run the large database is smaller."""
    large = LARGE if runs > 1 else SMALL_LARGE
    with workspace() as here:
        small = _measure(here, SMALL, runs)
        alone = _queries(here, runs)
        starting = list(_starting(here, runs))
    with workspace() as here:
        big = _measure(here, large, runs)
    whole = [[f"`etstats {name}`", _seconds(small[name]), _seconds(big[name])] for name in small]
    return (
        f"Generated sessions of {PLAYERS} players. Whole processes, from start to end, medians of {runs}, right "
        "after the import, when few past months are sealed; target: "
        f"under 0.5 s on {SMALL:,} files, under 1.5 s on {LARGE:,}.\n\n"
        + table(["command", f"{SMALL:,} files", f"{large:,} files"], whole)
        + f"\n\nThe queries alone, on {SMALL:,} files; target: under 100 ms each. One query computes all boards; "
        "a board of a weapon has its own.\n\n"
        + table(["question", "measured"], alone)
        + "\n\nStarting: seconds of processor time of the process alone; targets: 1.1 x and 1.8 x.\n\n"
        + table(["command", "measured", "against", "measured", "ratio"], starting)
    )


def _measure(here: Workspace, files: int, runs: int) -> dict[str, float]:
    """Fill a database and time every command on it."""
    folder = here.folder / "files"
    folder.mkdir()
    write_files(folder, generate(11, start=START, files=files, players=PLAYERS, pause_days=(1, 1)))
    here.etstats("-q", "import", folder)
    one, other = _regulars(here.folder / "data")
    commands: dict[str, list[str]] = {
        f"leaderboard --top {name}": ["leaderboard", "--top", name] for name in BOARDS
    }
    commands |= {
        f"leaderboard --weapon {WEAPON}": ["leaderboard", "--weapon", WEAPON],
        "leaderboard --top kd --map supply": ["leaderboard", "--top", "kd", "--map", "supply"],
        "leaderboard --top kd --last 20": ["leaderboard", "--top", "kd", "--last", "20"],
        "player NAME": ["player", one],
        "compare A B": ["compare", one, other],
        "find TEXT": ["find", "zzz"],
        "maps": ["maps"],
        "weapons": ["weapons"],
        "records": ["records"],
        "season": ["season"],
        "session": ["session"],
        "sessions": ["sessions"],
        "round": ["round"],
        "rounds": ["rounds"],
        "awards": ["awards"],
        "awards --since all": ["awards", "--since", "all"],
        "achievements": ["achievements"],
    }
    return {
        name: median(here.etstats(*arguments).seconds for _ in range(runs)) for name, arguments in commands.items()
    }


def _starting(here: Workspace, runs: int) -> Iterator[list[str]]:
    """Compare the start with an empty program, in the same number of commands and connections."""
    empty = here.folder / "empty.py"
    empty.write_text(_EMPTY.format(panels=[len(entries) for entries in COMMANDS.values()]), encoding="utf-8")
    floor = here.folder / "floor.py"
    floor.write_text(_FLOOR.format(url=embedded.ensure_running(here.folder / "data")), encoding="utf-8")
    for name, script, against in (
        ("--help", empty, "an empty Typer app with as many commands"),
        ("leaderboard", floor, "connect and select 1"),
    ):
        own: list[float] = []
        other: list[float] = []
        for _ in range(3 * runs):
            own.append(here.python("-m", "etstats", name).cpu_seconds)
            other.append(here.python(script).cpu_seconds)
        ratio = f"{median(own) / median(other):.2f} x"
        yield [f"`etstats {name}`", _seconds(median(own)), against, _seconds(median(other)), ratio]


def _queries(here: Workspace, runs: int) -> Iterable[list[str]]:
    """Measure the queries behind the leaderboards, over one open connection."""
    questions: dict[str, Callable[[Scope], object]] = {
        "every board but a weapon's, all rounds": lambda scope: rankings.population(conn, scope),
        f"the board of the {WEAPON}, all rounds": lambda scope: boards.weapon_sums(conn, scope, WEAPON),
        "every board, one map": lambda scope: rankings.population(conn, Scope(map_name="supply")),
        "every board, the last 20 rounds": lambda scope: rankings.population(conn, Scope(last_rounds=20)),
    }
    with connect(embedded.ensure_running(here.folder / "data"), read_only=True) as conn:
        return [
            [question, f"{1000 * median(_duration(ask) for _ in range(3 * runs)):.0f} ms"]
            for question, ask in questions.items()
        ]


def _duration(ask: Callable[[Scope], object]) -> float:
    began = time.perf_counter()
    ask(Scope())
    return time.perf_counter() - began


def _regulars(data_dir: Path) -> tuple[str, str]:
    """Return the two players with most rounds, which is the slowest case."""
    with connect(embedded.ensure_running(data_dir), read_only=True) as conn:
        field = rankings.population(conn, Scope())
    most = sorted(field.now, key=lambda player: -player.rounds)
    return most[0].player_guid, most[1].player_guid


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"
