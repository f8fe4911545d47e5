"""What others on the machine may see: nothing of the settings, the log, the database, the backups or the
copies."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.files import round_file
from tests.support.processes import run


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that root's database account can reach."""
    with tempfile.TemporaryDirectory(prefix="etstats-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
        _run(folder, "db", "stop")


def _run(place: Path, *words: str, code: int = 0) -> str:
    """Run one command under umask 0, as a careless cron might."""
    folders = {"DATA_DIR": place / "data", "STATE_DIR": place / "state", "CONFIG": place / "config.toml"}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("ETSTATS_", "XDG_", "PG"))}
    environment = (
        inherited | {f"ETSTATS_{key}": str(value) for key, value in folders.items()} | {"HOME": str(place)}
    )
    done = run([sys.executable, "-m", "etstats", *words], env=environment, umask=0)
    assert done.returncode == code, done.stderr
    return done.stdout


def _reachable(folder: Path) -> Iterator[Path]:
    """Return files and folders whose contents another user could list, read or change."""
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        if path.is_symlink():
            continue
        if path.is_dir():
            if mode & 0o066:
                yield path
            if mode & 0o011:  # passing through is what leads further
                yield from _reachable(path)
        elif mode & 0o077:
            yield path


def test_created_files_are_private_with_any_umask(place: Path) -> None:
    """Only the owner can read or change what sync, backup and the log write."""
    source = place / "gamestats"
    source.mkdir(mode=0o700)
    for file in (round_file("2025-10-02-213000"), round_file("2025-10-02-214000", 2, limit="5:00")):
        (source / file.name).write_bytes(file.content)
    config = place / "config.toml"
    config.touch(mode=0o600)
    config.write_text(f'[[servers]]\nname = "main"\npath = "{source}"\n')
    for words in (
        ["sync"],
        ["backup"],
        ["health", "--metrics", str(place / "state" / "metrics.prom")],
        ["rebuild", "--yes"],
    ):
        _run(place, "-q", *words, code=3 if words[0] == "health" else 0)
    assert list(place.rglob("*.txt"))
    assert list(place.rglob("etstats.log"))
    assert not list(_reachable(place))


def test_readable_settings_with_a_secret_are_refused(place: Path) -> None:
    """Settings with a webhook that the group can read are refused, with the solution."""
    config = place / "config.toml"
    config.write_text('[discord]\nwebhook_url = "https://discord.com/api/webhooks/1/x"\n')
    config.chmod(0o640)
    _run(place, "config", "show", code=2)
    config.chmod(0o600)
    _run(place, "config", "show")
