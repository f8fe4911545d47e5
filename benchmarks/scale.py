"""One database that grows tenfold twice: time and memory of imports, rebuilds and checks."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

from benchmarks.importing import PLAYERS, START, ZONE, one_more
from benchmarks.measuring import median, table
from etstats.demo.generator import generate, write_files
from tests.support.workspace import ProcessCost, Workspace, workspace

SIZES = (3_700, 40_000, 400_000)
ADDED = 20
PICTURE = Path(__file__).parents[1] / "docs" / "scale.png"
COMMANDS = {
    "validate, last 30 days": ("validate", "--since", "{month}"),
    "import of an empty folder": ("import", "{empty}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The measurements at one size; `took` names a step and its process."""

    files: int
    imported: int
    one_more_ms: float
    size_mb: float
    took: dict[str, ProcessCost]


def run(runs: int = 5, largest: int = 40_000) -> str:
    """Measure up to `largest` files and return tables in Markdown; draw docs/scale.png with more than one run."""
    sizes = [size for size in SIZES if size < largest] + [largest]
    files = generate(1, start=START, zone=ZONE, sessions=largest, players=PLAYERS, pause_days=(0, 1))
    steps: list[Step] = []
    with workspace() as here:
        (here.folder / "empty").mkdir()
        done = 0
        for size in sizes:
            folder, more = here.folder / f"files-{size}", here.folder / f"more-{size}"
            folder.mkdir()
            more.mkdir()
            write_files(folder, islice(files, size - done))
            newest = max(path.name for path in folder.iterdir())
            write_files(more, islice(files, ADDED))
            steps.append(_measure(here, size, size - done, folder, more, newest, runs))
            done = size + ADDED
    if runs > 1:
        _draw(steps)
    return _report(steps, runs, largest)


def _measure(here: Workspace, size: int, coming: int, folder: Path, more: Path, newest: str, runs: int) -> Step:
    took = {"import": here.etstats("-q", "import", folder)}
    took["rebuild"] = here.etstats("-q", "rebuild", "--yes")
    took["rebuild --verify"] = here.etstats("-q", "rebuild", "--verify")
    last = START.fromisoformat(newest[:10]) - timedelta(days=30)
    named = {"month": f"{last:%Y-%m-%d}", "empty": str(here.folder / "empty")}
    for name, words in COMMANDS.items():
        taken = [here.etstats("-q", *(word.format(**named) for word in words)) for _ in range(runs)]
        took[name] = sorted(taken, key=lambda cost: cost.seconds)[len(taken) // 2]
    ms = one_more(here, sorted(more.iterdir()))
    disk = sum(path.stat().st_size for path in (here.folder / "data" / "postgres").rglob("*") if path.is_file())
    return Step(files=size, imported=coming, one_more_ms=ms, size_mb=disk / 1e6, took=took)


def _report(steps: list[Step], runs: int, largest: int) -> str:
    imports = [step.took["import"].seconds / step.imported for step in steps]
    one_more = [step.one_more_ms for step in steps]
    head = ["step", *(f"{step.files:,} files" for step in steps), "largest to smallest"]
    rows = [
        ["import, for each file", *(f"{1000 * each:.2f} ms" for each in imports), _growth(imports)],
        ["one more file", *(f"{each:.1f} ms" for each in one_more), _growth(one_more)],
    ]
    for name in ("rebuild", "rebuild --verify"):
        each = [step.took[name].seconds / step.files for step in steps]
        cells = (f"{step.took[name].seconds:.1f} s" for step in steps)
        rows.append([name, *cells, f"{_growth(each)} for each file"])
    for name in COMMANDS:
        seconds = [step.took[name].seconds for step in steps]
        rows.append([f"`{name}`", *(f"{second:.2f} s" for second in seconds), _growth(seconds)])
    rows.append(["the database on disk", *(f"{step.size_mb:,.0f} MB" for step in steps), ""])
    memory = [
        [name, *(f"{step.took[name].peak_mb:.0f} MB" for step in steps)]
        for name in ("import", "rebuild", "rebuild --verify", *COMMANDS)
    ]
    most = SIZES[-1]
    left_out = (
        f" {most:,} files were not measured: `python -m benchmarks scale --largest {most}`."
        if largest < most
        else ""
    )
    return (
        f"One database that grows, {PLAYERS} players a round. Imports and rebuilds once, the rest medians of "
        f"{runs}. The last column is the ratio of the largest to the smallest database. The next section has the "
        f"reading commands.{left_out}\n\n"
        + table(head, rows)
        + "\n\nPeak memory of the process:\n\n"
        + table(["step", *(f"{step.files:,} files" for step in steps)], memory)
        + ("\n\n![Time and memory against size](scale.png)" if runs > 1 else "")
    )


def _growth(values: list[float]) -> str:
    return f"{values[-1] / values[0]:.2f} x"


def _draw(steps: list[Step]) -> None:
    """Draw time and memory against size on logarithmic axes: linear growth is a line at 45 degrees."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (time, memory) = pyplot.subplots(1, 2, figsize=(14, 6))
    sizes = [step.files for step in steps]
    for name in ("rebuild", "rebuild --verify", *COMMANDS):
        time.plot(sizes, [step.took[name].seconds for step in steps], marker="o", label=name)
    time.plot(sizes, [step.one_more_ms / 1000 for step in steps], marker="o", color="black", label="one more file")
    whole = median(1000 * step.took["import"].seconds / step.imported for step in steps)
    time.plot(sizes, [whole * size / 1000 for size in sizes], "k--", label="import of all, linear")
    for name in ("import", "rebuild", "rebuild --verify", *COMMANDS):
        memory.plot(sizes, [step.took[name].peak_mb for step in steps], marker="o", label=name)
    time.set(xscale="log", yscale="log", xlabel="files in the database", ylabel="seconds")
    memory.set(xscale="log", ylim=(0, None), xlabel="files in the database", ylabel="peak MB of the process")
    for axes in (time, memory):
        axes.grid(alpha=0.3, which="both")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
        axes.set_xticks([], minor=True)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=110)
    pyplot.close(figure)
