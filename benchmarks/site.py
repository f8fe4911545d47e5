"""Times of site builds, sizes of pages, and their loading times on a slow phone."""

import importlib
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from benchmarks.measuring import median, table
from etstats.demo.generator import generate, write_files
from tests.support.workspace import ProcessCost, Workspace, workspace

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
# The phone that Lighthouse assumes: a processor four times slower, 150 ms to the server, 1.6 Mbit/s.
SLOWER = 4
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
PHONE = {"width": 360, "height": 800}
OBSERVE = """
window.seen = {lcp: 0, shift: 0, blocked: 0};
const watch = (type, each) =>
  new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({type, buffered: true});
watch("largest-contentful-paint", (entry) => { window.seen.lcp = entry.startTime; });
watch("layout-shift", (entry) => { if (!entry.hadRecentInput) window.seen.shift += entry.value; });
watch("longtask", (entry) => { window.seen.blocked += Math.max(0, entry.duration - 50); });
"""
IS_PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length > 0 && window.seen.lcp > 0"
READ = """
() => ({...window.seen,
  fcp: (performance.getEntriesByName("first-contentful-paint")[0] || {startTime: 0}).startTime,
  requests: 1 + performance.getEntriesByType("resource").length})
"""


def run(runs: int = 5) -> str:
    """Measure and return tables in Markdown; with one run the large database is smaller."""
    large = LARGE if runs > 1 else SMALL_LARGE
    with workspace() as here:
        small, weights = _measure(here, SMALL, runs)
        shown = _on_a_phone(here.folder / "site", runs)
    with workspace() as here:
        big, _ = _measure(here, large, max(1, runs // 2))
    rows = [[name, *small[name], *big[name]] for name in small]
    return (
        f"Generated sessions of {PLAYERS} players; whole processes of `etstats site build`, medians of {runs} "
        f"({max(1, runs // 2)} on the large database), in brackets the CPU time without the database. "
        f"Targets on {SMALL:,} rounds: under 15 s for a full build "
        "without link cards, under 3 s after one new round.\n\n"
        + table(["build", f"{SMALL:,} rounds", "peak", f"{large:,} rounds", "peak"], rows)
        + f"\n\nPages of {SMALL:,} rounds, compressed as web servers send them (target: under 60 KB), heaviest of "
        "each kind:\n\n" + table(["page", "compressed", "uncompressed"], weights) + f"\n\n{shown}"
    )


def _measure(here: Workspace, files: int, runs: int) -> tuple[dict[str, list[str]], list[list[str]]]:
    """Fill a database, build its site in every way, and measure the sizes of its pages."""
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


def _build(here: Workspace, root: Path) -> ProcessCost:
    return here.etstats("site", "build", root)


def _both(taken: list[ProcessCost]) -> list[str]:
    seconds, processor = median(one.seconds for one in taken), median(one.cpu_seconds for one in taken)
    return [f"{seconds:.2f} s ({processor:.2f} s)", f"{max(one.peak_mb for one in taken):.0f} MB"]


def _weight(root: Path, name: str, pattern: str) -> list[str]:
    """Return the largest page of a kind, compressed and uncompressed."""
    weighed = [(len(zlib.compress(content)), len(content)) for content in map(Path.read_bytes, root.glob(pattern))]
    compressed, plain = max(weighed)
    return [name, f"{compressed / 1000:.1f} KB", f"{plain / 1000:.0f} KB"]


@contextmanager
def _served(root: Path) -> Iterator[str]:
    """Serve the site; yield its URL."""
    command = [sys.executable, "-m", "etstats", "site", "serve", root, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            yield re.findall(r"http://\S+/", server.stderr.readline())[0]
        finally:
            server.terminate()


def _on_a_phone(root: Path, runs: int) -> str:
    """Return the measurements of a throttled chromium, or that it is not installed."""
    chromium = shutil.which("chromium")
    if chromium is None or find_spec("playwright") is None:
        return "Not measured in a browser: chromium or the extra `browser` is not installed."
    playwright = importlib.import_module("playwright.sync_api")
    rows = []
    with _served(root) as url, playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, pattern in KINDS.items():
            heaviest = max(root.glob(pattern), key=lambda path: path.stat().st_size).relative_to(root)
            found = []
            for _ in range(runs):
                context = browser.new_context(viewport=PHONE)
                page = context.new_page()
                page.add_init_script(OBSERVE)
                session = context.new_cdp_session(page)
                session.send("Network.emulateNetworkConditions", NETWORK)
                session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
                page.goto(f"{url}{heaviest}", wait_until="networkidle")
                page.wait_for_function(IS_PAINTED)
                found.append(page.evaluate(READ))
                context.close()
            fcp, lcp, blocked, shift, requests = (
                median(one[key] for one in found) for key in ("fcp", "lcp", "blocked", "shift", "requests")
            )
            rows.append(
                [name, f"{fcp:.0f} ms", f"{lcp:.0f} ms", f"{blocked:.0f} ms", f"{shift:.3f}", f"{requests:.0f}"]
            )
        browser.close()
    head = ["page", "first paint", "largest paint", "blocked", "layout shift", "requests"]
    return (
        "The same pages, not compressed, in chromium as a phone (processor four times slower, 150 ms, 1.6 "
        "Mbit/s); Lighthouse calls good: first paint under 1,800 ms, largest under 2,500 ms, blocked under "
        "200 ms, layout shift under 0.1:\n\n" + table(head, rows)
    )
