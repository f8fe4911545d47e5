"""Run all tests of attacks, count them, and kill each command at chosen moments.

    python -m benchmarks.attack                 the hostile tests, then 40 moments of each command
    python -m benchmarks.attack --moments 200
    python -m benchmarks.attack --moments 0             without the kills
    python -m benchmarks.attack --only pages            the kinds whose name holds this word; other rows are kept

Both tables are kept in docs/benchmarks.md; the exit code is 1 when an attack succeeded.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from benchmarks import moments
from benchmarks.measuring import machine, table
from benchmarks.page import ATTACKS as TITLE
from benchmarks.page import keep, kept_rows, section

KINDS = {
    "hostile and broken SFTP servers": ("tests/sync",),
    "answers of Discord": ("tests/post/publish",),
    "impossible and missing values": ("tests/pipeline/test_odd_values.py", "tests/pipeline/test_server_names.py"),
    "names in shells (completion)": ("tests/completion",),
    "names in posts": ("tests/post/render",),
    "names in pages": ("tests/site",),
    "names in terminals and documents": ("tests/output",),
    "SQL and secrets": ("tests/acceptance/fuzz", "tests/acceptance/security"),
    "the environment, data folders, other users": ("tests/db", "tests/test_surroundings.py"),
    "backups, tampering": ("tests/admin",),
    "several at once, killed at random": ("tests/acceptance/chaos",),
}
"""What is attacked -> the tests that do it."""


def count(paths: tuple[str, ...]) -> tuple[int, int]:
    """Run tests; return how many ran and how many failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--junitxml={report}", *paths], check=False
        )
        if not report.exists():
            return 0, 1
        suite = ElementTree.parse(report).getroot()[0]  # written by pytest just now
    ran, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    return ran - skipped, max(failed, int(done.returncode != 0))  # a missing path fails without a failed test


def main(arguments: list[str]) -> int:
    """Run everything; return 1 if an attack succeeded."""
    parser = argparse.ArgumentParser(prog="benchmarks.attack", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--moments", default="40", help="moments of each command at which it is killed")
    parser.add_argument("--only", default="", help="run the kinds whose name holds this word")
    given = parser.parse_args(arguments)
    before = machine()
    counts = {kind: count(paths) for kind, paths in KINDS.items() if given.only in kind}
    kept = kept_rows(TITLE) | {kind: [str(tried), str(failed)] for kind, (tried, failed) in counts.items()}
    rows = [(kind, *kept[kind]) for kind in KINDS if kind in kept]
    body = section(table(("what", "tests", "failed"), rows), before)
    print(f"\n## {TITLE}\n\n{body}")
    keep(TITLE, body)
    killed = int(given.moments) and moments.main(["--moments", given.moments])
    return int(killed or any(failed for _, failed in counts.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
