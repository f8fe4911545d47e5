"""How long it takes to read a file, to move an archive in, to take one more file, to derive all of it again."""

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.measuring import Place, Taken, median, place, table
from etstats.demo.generator import generate, write_files

ARCHIVE, LARGE, SMALL_LARGE = 3_700, 40_000, 8_000
# Real rounds have 6.6 players on average; a full server has 12.
PLAYERS, FULL = 8, 12
ZONE = "Europe/Ljubljana"
START = datetime(2010, 1, 1, 20)  # noqa: DTZ001  # the server's own clock
ADDED = 20


def run(runs: int = 5) -> str:
    """Measure and return tables in Markdown; with one run the large database is a smaller one."""
    large = LARGE if runs > 1 else SMALL_LARGE
    with place() as here:
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
        here.forget()
        here.etstats("db", "migrate")
        one_in_empty = one_more(here, files[:ADDED])
        here.forget()
        all_of_it = here.folder / "all"
        _link(files[:large], all_of_it)
        linear = [_fresh(here, all_of_it) for _ in range(min(runs, 3))]
        one_in_large = one_more(here, files[large:])
        helps = [here.etstats("--help") for _ in range(2 * runs)]
        status = [here.etstats("db", "status") for _ in range(2 * runs)]
    per_file = _median_seconds(fresh) / ARCHIVE
    growth = _median_seconds(linear) / large / per_file
    rows = [
        ["parse one file", f"{parse_ms:.3f} ms", "< 0.15 ms"],
        [f"import {ARCHIVE:,} files, base made and started", f"{_median_seconds(fresh):.2f} s", "< 6 s"],
        [f"the same with {FULL} players in every round", f"{_median_seconds(full):.2f} s", "< 6 s"],
        ["the same, peak memory of the process", f"{max(t.peak_mb for t in full):.0f} MB", "< 150 MB"],
        [f"import {ARCHIVE:,} files that are known", f"{_median_seconds(known):.2f} s", ""],
        [f"rebuild {ARCHIVE:,} rounds", f"{_median_seconds(rebuilds):.2f} s", "< 5 s"],
        ["the same, peak memory of the process", f"{max(t.peak_mb for t in rebuilds):.0f} MB", ""],
        [f"import {large:,} files, base made and started", f"{_median_seconds(linear):.1f} s", ""],
        ["the same, peak memory of the process", f"{max(t.peak_mb for t in linear):.0f} MB", "< 150 MB"],
        [f"a file's time among {large:,} to that among {ARCHIVE:,}", f"{growth:.2f}", "< 1.3"],
        ["one more file into an empty database", f"{one_in_empty:.1f} ms", ""],
        [f"one more file into a database of {large:,}", f"{one_in_large:.1f} ms", ""],
        ["the two to each other", f"{one_in_large / one_in_empty:.2f}", "< 2"],
        ["`etstats --help`", f"{_median_seconds(helps):.2f} s", "< 0.25 s"],
        ["`etstats db status`", f"{_median_seconds(status):.2f} s", "< 0.25 s"],
    ]
    return (
        f"Invented sessions of {PLAYERS} players, 38 fields a line, 1-3 KB a file; medians of "
        f"{runs}, {min(runs, 3)} for the large database. One more file: the database's part, without the process "
        f"around it, median of {ADDED}.\n\n" + table(["what", "measured", "target"], rows)
    )


def make_files(folder: Path, count: int, players: int = PLAYERS) -> list[Path]:
    """Write that many round files, the same bytes each time; returns them in time order."""
    folder.mkdir()
    write_files(folder, generate(1, start=START, files=count, zone=ZONE, players=players, pause_days=(0, 1)))
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


def _fresh(here: Place, folder: Path) -> Taken:
    here.forget()
    return here.etstats("-q", "import", folder)


def _median_seconds(taken: list[Taken]) -> float:
    return median(t.seconds for t in taken)


def one_more(here: Place, files: list[Path]) -> float:
    """The median of ms that a running process takes to store one more file."""
    return float(here.python("-m", "benchmarks.importing", *files).out)


def main(files: list[str]) -> None:
    """Be the process that stores one file after the other and prints the median of ms."""
    from etstats.config.loader import load
    from etstats.importer.importer import Importer
    from etstats.importer.outcome import ImportStatus
    from etstats.pipeline.database import open_database

    with open_database(load()) as conn:
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
