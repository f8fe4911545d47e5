"""Times of parsing a file, importing an archive, importing one more file, and a rebuild."""

import os
import shutil
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from benchmarks.measuring import median, processor_seconds, table
from etstats.db import embedded
from etstats.demo.generator import generate, write_files
from etstats.importer.importer import GROUP
from tests.support.workspace import ProcessCost, Workspace, workspace

ARCHIVE, LARGE, SMALL_LARGE = 3_700, 40_000, 8_000
# Real rounds have 6.6 players on average; a full server has 12.
PLAYERS, FULL = 8, 12
ZONE = "Europe/Ljubljana"
START = datetime(2010, 1, 1, 20)  # noqa: DTZ001  # the server's own clock
ADDED = 20
LONG_SESSION, SHORT_LONG_SESSION = 5_000, 1_000


_COMMAND = "from etstats.cli import run; run()"
_SINGLY = f"from etstats.importer import importer; importer.GROUP = 1; {_COMMAND}"
_SERVERS = (17, 16, 15, 14)  # releases of PostgreSQL besides the embedded one; the first that is installed is used


class Cost(NamedTuple):
    """The cost of an import: elapsed seconds, and CPU seconds including those of the database."""

    seconds: float
    cpu_seconds: float


def run(runs: int = 5, baseline: str | None = None) -> str:
    """Measure and return tables in Markdown; with one run the large database is smaller.

    `baseline`: a revision of git to compare the import with.
    """
    large = LARGE if runs > 1 else SMALL_LARGE
    long = LONG_SESSION if runs > 1 else SHORT_LONG_SESSION
    with workspace() as here:
        files = make_files(here.folder / "files", large + ADDED)
        first = here.folder / "first"
        _link(files[:ARCHIVE], first)
        parse_ms = median(_parse_ms(path) for path in files[:ARCHIVE])
        fresh = [_fresh(here, first) for _ in range(runs)]
        known = [here.etstats("-q", "import", first) for _ in range(runs)]
        rebuilds = [here.etstats("-q", "rebuild", "--yes") for _ in range(runs)]
        full_server = here.folder / "full"
        make_files(full_server, ARCHIVE, FULL)
        full = [_fresh(here, full_server) for _ in range(runs)]
        session = here.folder / "session"
        make_files(session, long, FULL, maps=long)
        one_session = [_fresh(here, session) for _ in range(min(runs, 3))]
        here.delete_database()
        here.etstats("db", "migrate")
        one_in_empty = one_more(here, files[:ADDED])
        here.delete_database()
        all_of_it = here.folder / "all"
        _link(files[:large], all_of_it)
        linear = [_fresh(here, all_of_it) for _ in range(min(runs, 3))]
        one_in_large = one_more(here, files[large:])
        compared = compare(here, first, runs, baseline)
        helps = [here.etstats("--help") for _ in range(2 * runs)]
        status = [here.etstats("db", "status") for _ in range(2 * runs)]
    per_file = _median_seconds(fresh) / ARCHIVE
    growth = _median_seconds(linear) / large / per_file
    rows = [
        ["parse one file", f"{parse_ms:.3f} ms", "< 0.15 ms"],
        [
            f"import {ARCHIVE:,} files, including creation and start of the database",
            f"{_median_seconds(fresh):.2f} s",
            "< 6 s",
        ],
        [f"the same with {FULL} players in every round", f"{_median_seconds(full):.2f} s", "< 6 s"],
        ["the same, peak memory of the process", f"{max(cost.peak_mb for cost in full):.0f} MB", "< 150 MB"],
        [f"import one session of {long:,} rounds and {FULL} players", f"{_median_seconds(one_session):.2f} s", ""],
        [
            "the same for each file, compared with sessions of usual length",
            f"{_median_seconds(one_session) / long / (_median_seconds(full) / ARCHIVE):.2f}",
            "< 1.5",
        ],
        [f"import {ARCHIVE:,} known files", f"{_median_seconds(known):.2f} s", ""],
        [f"rebuild {ARCHIVE:,} rounds", f"{_median_seconds(rebuilds):.2f} s", "< 5 s"],
        ["the same, peak memory of the process", f"{max(rebuild.peak_mb for rebuild in rebuilds):.0f} MB", ""],
        [
            f"import {large:,} files, including creation and start of the database",
            f"{_median_seconds(linear):.1f} s",
            "",
        ],
        ["the same, peak memory of the process", f"{max(cost.peak_mb for cost in linear):.0f} MB", "< 150 MB"],
        [f"the same for each file, compared with {ARCHIVE:,} files", f"{growth:.2f}", "< 1.3"],
        ["one more file into an empty database", f"{one_in_empty:.1f} ms", ""],
        [f"one more file into a database of {large:,}", f"{one_in_large:.1f} ms", ""],
        ["ratio of the two", f"{one_in_large / one_in_empty:.2f}", "< 2"],
        ["`etstats --help`", f"{_median_seconds(helps):.2f} s", "< 0.25 s"],
        ["`etstats db status`", f"{_median_seconds(status):.2f} s", "< 0.25 s"],
    ]
    return (
        f"Generated sessions of {PLAYERS} players, 38 fields per line, 1-3 KB per file; medians of {runs}, of "
        f"{min(runs, 3)} for the large database and the long session. One more file: the database's part, without "
        f"the process around it, median of {ADDED}.\n\n" + table(["what", "measured", "target"], rows) + compared
    )


def compare(here: Workspace, folder: Path, runs: int, baseline: str | None) -> str:
    """Import in groups and in other ways, alternately, on two PostgreSQL servers; return a table."""
    variants = {f"groups of {GROUP}": _COMMAND, "one file a transaction": _SINGLY}
    if baseline is not None:
        variants[f"revision `{baseline}`"] = _revision(here, baseline)
    rows: list[list[str]] = []
    for name, version, target in (("embedded", embedded.VERSION, 0.9), *_server()):
        costs: dict[str, list[Cost]] = {variant: [] for variant in variants}
        for _ in range(runs):
            for variant, program in variants.items():
                costs[variant].append(_cost(here, program, folder, version))
        groups, *others = costs
        for other in others:
            pairs = list(zip(costs[groups], costs[other], strict=True))
            rows.append(
                [
                    name,
                    other,
                    *(f"{median(cost.seconds for cost in costs[each]):.2f} s" for each in (other, groups)),
                    f"{median(one.seconds / two.seconds for one, two in pairs):.2f}",
                    *(f"{median(cost.cpu_seconds for cost in costs[each]):.2f} s" for each in (other, groups)),
                    f"{median(one.cpu_seconds / two.cpu_seconds for one, two in pairs):.2f}",
                    f"< {target}" if variants[other] == _SINGLY else "< 1.05",
                ]
            )
    head = ["database", "other", "time", "groups", "ratio", "processor time", "groups", "ratio", "target"]
    return (
        f"\n\nImports of {ARCHIVE:,} files into an empty database, in groups of {GROUP} and otherwise, in turn; "
        f"processor time is that of the process and of PostgreSQL. Medians of {runs}, ratios of each pair.\n\n"
        + table(head, rows)
    )


def _server() -> list[tuple[str, int, float]]:
    installed = (version for version in _SERVERS if Path(f"/usr/lib/postgresql/{version}/bin").is_dir())
    return [(f"PostgreSQL {version}", version, 0.75) for version in installed][:1]


def _revision(here: Workspace, name: str) -> str:
    """Check a revision of this repository out into a folder; return its command."""
    folder = here.folder / "revision"
    folder.mkdir()
    root = Path(__file__).parents[1]
    archive = subprocess.run(["git", "archive", name], cwd=root, stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "x", "-C", folder], input=archive.stdout, check=True)
    return f"import sys; sys.path.insert(0, {str(folder)!r}); {_COMMAND}"


def _cost(here: Workspace, program: str, folder: Path, version: int) -> Cost:
    """Import a folder into an empty database."""
    data, settings = here.folder / "compared", here.folder / "config.toml"
    command = [sys.executable, "-c", program]
    try:
        url = embedded.ensure_running(data, version=version)
        settings.write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
        here.run([*command, "db", "migrate"])
        server = embedded.status(data, version=version).pid
        assert server is not None
        before = processor_seconds(server)
        taken = here.run([*command, "-q", "import", str(folder)])
        return Cost(taken.seconds, taken.cpu_seconds + processor_seconds(server) - before)
    finally:
        settings.write_text("", encoding="utf-8")
        embedded.stop(data, version=version)
        shutil.rmtree(data, ignore_errors=True)


def make_files(folder: Path, count: int, players: int = PLAYERS, maps: int | None = None) -> list[Path]:
    """Write this many round files, always with the same bytes; return them in time order.

    `maps`: the number of matches of each session; None: 4 to 6.
    """
    folder.mkdir()
    of_session = (4, 6) if maps is None else (maps, maps)
    write_files(
        folder,
        generate(1, start=START, files=count, zone=ZONE, players=players, maps=of_session, pause_days=(0, 1)),
    )
    return sorted(folder.iterdir())


def _link(files: list[Path], folder: Path) -> None:
    folder.mkdir()
    for path in files:
        (folder / path.name).hardlink_to(path)


def _parse_ms(path: Path) -> float:
    from etstats.parser.reader import parse

    content = path.read_bytes()
    began = time.perf_counter()
    parse(path.name, content)
    return 1000 * (time.perf_counter() - began)


def _fresh(here: Workspace, folder: Path) -> ProcessCost:
    here.delete_database()
    return here.etstats("-q", "import", folder)


def _median_seconds(costs: list[ProcessCost]) -> float:
    return median(cost.seconds for cost in costs)


def one_more(here: Workspace, files: list[Path]) -> float:
    """Return the median of the ms that a running process takes to store one more file."""
    return float(here.python("-m", "benchmarks.importing", *files).out)


def main(files: list[str]) -> None:
    """Store one file after the other and print the median of ms."""
    from etstats.db.connection import connect
    from etstats.domain.import_result import ImportStatus
    from etstats.importer.importer import Importer

    with connect(embedded.ensure_running(Path(os.environ["ETSTATS_DATA_DIR"]))) as conn:
        importer = Importer(conn, "main", ZoneInfo("UTC"), timedelta(minutes=60))
        taken: list[float] = []
        for path in map(Path, files):
            content, mtime = path.read_bytes(), int(path.stat().st_mtime)
            began = time.perf_counter()
            outcome = importer.add(path.name, content, mtime)
            taken.append(1000 * (time.perf_counter() - began))
            assert outcome.status is ImportStatus.IMPORTED, outcome
    print(median(taken))


if __name__ == "__main__":
    main(sys.argv[1:])
