"""Prepare a release: version, date of the changelog, hashes of the migrations.

python .ci/release.py VERSION      edit the files
python .ci/release.py --check VERSION      only refuse: a version that is invalid or tagged, a tree with changes
"""

import argparse
import hashlib
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHANGELOG = ROOT / "CHANGELOG.md"
PACKAGE = ROOT / "etstats" / "__init__.py"
MIGRATIONS = ROOT / "sql" / "migrations"
HASHES = MIGRATIONS / "released.sha256"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def refusal(version: str) -> str | None:
    """Return why this version cannot be released now, or None."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return f'invalid version "{version}"; expected three numbers such as 0.2.0: make release VERSION=0.2.0'
    if _git("tag", "--list", f"v{version}"):
        return f"version {version} is already tagged"
    if _git("status", "--porcelain"):
        return "the working tree has changes; commit them, or undo those of an interrupted release: git checkout ."
    if "## [Unreleased]\n" not in CHANGELOG.read_text(encoding="utf-8"):
        return "CHANGELOG.md has no heading ## [Unreleased]"
    return None


def edit(version: str) -> None:
    """Set the version, date the changelog, and add the migrations that are not released yet to their hashes."""
    text = PACKAGE.read_text(encoding="utf-8")
    PACKAGE.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', text), encoding="utf-8")
    text = CHANGELOG.read_text(encoding="utf-8")
    heading = f"## [Unreleased]\n\n## [{version}] - {datetime.now(UTC):%Y-%m-%d}\n"
    CHANGELOG.write_text(text.replace("## [Unreleased]\n", heading, 1), encoding="utf-8")
    known = HASHES.read_text(encoding="utf-8")
    with HASHES.open("a", encoding="utf-8") as hashes:
        for path in sorted(MIGRATIONS.glob("*.sql")):
            if f"  {path.name}\n" not in known:
                hashes.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("version")
    options = parser.parse_args()
    if reason := refusal(options.version):
        sys.exit(reason)
    if not options.check:
        edit(options.version)
