"""How long the site takes to build: whole, after one new round, and with nothing new; and what its pages weigh."""

import zlib
from datetime import datetime
from pathlib import Path

from benchmarks.measuring import Place, Taken, median, place, table
from etstats.demo.generator import generate, write_files

SMALL, LARGE, SMALL_LARGE = 3_700, 40_000, 4_000
PLAYERS = 10
START = datetime(2013, 1, 1, 20)  # noqa: DTZ001  # the server's own clock
CARDS = "https://stats.example.org"
KINDS = {
    "the home page": "index.html",
    "a session": "sessions/*/index.html",
    "a match": "matches/*/*/index.html",
    "a round": "rounds/*/index.html",
    "a player": "players/*/index.html",
    "a map": "maps/*/index.html",
    "a leaderboard": "leaderboards/**/index.html",
    "records": "records/index.html",
}


def run(runs: int = 5) -> str:
    """Measure and return tables in Markdown; with one run the large database is a smaller one."""
    large = LARGE if runs > 1 else SMALL_LARGE
    with place() as here:
        small, weights = _measure(here, SMALL, runs)
    with place() as here:
        big, _ = _measure(here, large, max(1, runs // 2))
    rows = [[name, *small[name], *big[name]] for name in small]
    return (
        f"Invented sessions of {PLAYERS} players; whole processes of `etstats site build`, medians of {runs} "
        f"({max(1, runs // 2)} on the large database). Targets on {SMALL:,} rounds: under 15 s for a full build "
        "without link cards, under 3 s after one new round.\n\n"
        + table(["build", f"{SMALL:,} rounds", "peak", f"{large:,} rounds", "peak"], rows)
        + f"\n\nPages of {SMALL:,} rounds, compressed as web servers send them (target: under 60 KB), heaviest of "
        "each kind:\n\n" + table(["page", "compressed", "as it is"], weights)
    )


def _measure(here: Place, files: int, runs: int) -> tuple[dict[str, list[str]], list[list[str]]]:
    """Fill a database, build its site in every way, and weigh its pages."""
    folder, later = here.folder / "files", here.folder / "later"
    folder.mkdir()
    later.mkdir()
    everything = list(
        generate(11, start=START, files=files + runs, players=PLAYERS, maps=(6, 8), pause_days=(1, 3))
    )
    write_files(folder, everything[:files])
    here.etstats("-q", "import", folder)
    root = here.folder / "site"
    full = [_build(here, here.folder / f"site-{number}") for number in range(runs)]
    _build(here, root)
    after_one = []
    for file in everything[files:]:
        write_files(later, [file])
        here.etstats("-q", "import", later / file.name)
        after_one.append(_build(here, root))
    nothing = [_build(here, root) for _ in range(runs)]
    weights = [_weight(root, name, pattern) for name, pattern in KINDS.items()]
    found = [path for path in root.rglob("*") if path.is_file()]
    pages = sum(path.suffix == ".html" for path in found)
    size = sum(path.stat().st_size for path in found)
    (here.folder / "config.toml").write_text(f'[site]\nurl = "{CARDS}"\n', encoding="utf-8")
    with_cards = [_build(here, here.folder / "site-with-cards")]
    return {
        "everything": _both(full),
        "everything, with link cards": _both(with_cards),
        "after one new round": _both(after_one),
        "nothing new": _both(nothing),
        "pages, and the size of all files": [f"{pages:,}", f"{size / 1e6:,.0f} MB"],
    }, weights


def _build(here: Place, root: Path) -> Taken:
    return here.etstats("site", "build", root)


def _both(taken: list[Taken]) -> list[str]:
    return [f"{median(one.seconds for one in taken):.2f} s", f"{max(one.peak_mb for one in taken):.0f} MB"]


def _weight(root: Path, name: str, pattern: str) -> list[str]:
    """The heaviest page of a kind, compressed and not."""
    weighed = [(len(zlib.compress(content)), len(content)) for content in map(Path.read_bytes, root.glob(pattern))]
    compressed, plain = max(weighed)
    return [name, f"{compressed / 1000:.1f} KB", f"{plain / 1000:.0f} KB"]
