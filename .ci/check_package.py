"""Check the built sdist and wheel: every file that is needed, and no other.

python .ci/check_package.py dist [--release]

With --release, the changelog must have a dated heading for the version of the package.
"""

import re
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def faults(dist: Path, *, release: bool) -> list[str]:
    """Return what is wrong with the one sdist and the one wheel in a folder."""
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    found: list[str] = []
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        metadata = next(name for name in inside if name.endswith(".dist-info/METADATA"))
        version = re.search(r"^Version: (.+)$", archive.read(metadata).decode(), re.MULTILINE)
    ours = {f"etstats/{path.relative_to(ROOT / 'etstats')}" for path in (ROOT / "etstats").rglob("*.py")}
    ours |= {f"etstats/{path.relative_to(ROOT)}" for path in (ROOT / "sql").rglob("*") if path.is_file()}
    ours |= {f"etstats/{path.relative_to(ROOT)}" for path in (ROOT / "docs").rglob("*") if path.is_file()}
    ours |= {"etstats/docs/README.md", "etstats/docs/crontab.example"}
    found += [f"{wheel.name} lacks {name}" for name in sorted(ours | {"etstats/py.typed"}) if name not in inside]
    stray = {name for name in inside if not name.startswith(("etstats/", metadata.partition("/")[0]))}
    found += [f"{wheel.name} holds {name}" for name in sorted(stray)]
    with tarfile.open(sdist) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    needed = {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "Makefile",
        "crontab.example",
    }
    needed |= {name for name in ours if name.endswith(".py")}
    found += [f"{sdist.name} lacks {name}" for name in sorted(needed - names)]
    names -= {"requirements-ci.lock"}  # pinned versions, for the tests
    private = re.compile(r"(^|/)(\.env|.*\.(pem|key|log|lock|dump)|__pycache__|\.venv|\.git)(/|$)")
    found += [f"{sdist.name} holds {name}" for name in sorted(names) if private.search(name)]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    if headings[:1] != ["[Unreleased]"]:
        found.append(f"CHANGELOG.md begins with {headings[:1]}; expected [Unreleased]")
    dated = re.compile(rf"\[{re.escape(version[1] if version else '?')}\] - \d{{4}}-\d{{2}}-\d{{2}}")
    if release and not any(dated.fullmatch(heading) for heading in headings[1:2]):
        found.append(f"CHANGELOG.md has no dated heading for {version and version[1]} below [Unreleased]")
    return found


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]), release="--release" in sys.argv[2:])
    print("\n".join(wrong) or "sdist and wheel are complete")
    sys.exit(bool(wrong))
