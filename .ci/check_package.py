"""Look into the built sdist and wheel: all that is needed, and nothing that is not.

python .ci/check_package.py dist
"""

import re
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def faults(dist: Path) -> list[str]:
    """What is wrong with the one sdist and the one wheel in a folder."""
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    found: list[str] = []
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        metadata = next(name for name in inside if name.endswith(".dist-info/METADATA"))
        version = re.search(r"^Version: (.+)$", archive.read(metadata).decode(), re.MULTILINE)
    ours = {f"etstats/{path.relative_to(ROOT / 'etstats')}" for path in (ROOT / "etstats").rglob("*.py")}
    ours |= {f"etstats/{path.relative_to(ROOT)}" for path in (ROOT / "sql").rglob("*") if path.is_file()}
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
        "SECURITY.md",
        "Makefile",
        "crontab.example",
    }
    needed |= {name for name in ours if name.endswith(".py")}
    found += [f"{sdist.name} lacks {name}" for name in sorted(needed - names)]
    private = re.compile(r"(^|/)(\.env|.*\.(pem|key|log|lock|dump)|__pycache__|\.venv|\.git)(/|$)")
    found += [f"{sdist.name} holds {name}" for name in sorted(names) if private.search(name)]
    said = version[1] if version else None
    changes = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    if changes is None or changes[1] != said:
        found.append(f"CHANGELOG.md begins with {changes and changes[1]}, the package is {said}")
    return found


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]))
    print("\n".join(wrong) or "sdist and wheel are complete")
    sys.exit(bool(wrong))
