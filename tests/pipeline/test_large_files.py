"""Files larger than any round with the names of rounds: only hash and head are stored."""

import hashlib
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from etstats.demo.generator import GeneratedFile
from etstats.domain.files import HEAD_BYTES, MAX_ROUND_BYTES
from etstats.sync.source import MAX_FILE_BYTES
from tests.conftest import CliResult
from tests.pipeline.conftest import Game
from tests.support.processes import run

Cli = Callable[..., CliResult]
MTIME = 1_759_430_000


def junk(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def name_of(number: int) -> str:
    return f"2025-10-03-{number // 3600:02}{number // 60 % 60:02}{number % 60:02}-supply-round-1.txt"


def kept(db: psycopg.Connection, name: str) -> tuple[int, int, str]:
    """Return the stored bytes of a file, and size and hash of the whole file."""
    row = db.execute(
        "SELECT octet_length(content), source_size, source_hash FROM processed_files WHERE filename = %s", [name]
    ).fetchone()
    db.rollback()
    assert row is not None
    return row


@pytest.mark.parametrize("size", [MAX_ROUND_BYTES + 1, MAX_FILE_BYTES, 3 * MAX_FILE_BYTES])
def test_large_import_keeps_hash_and_head(cli: Cli, tmp_path: Path, db: psycopg.Connection, size: int) -> None:
    """A large file goes to quarantine with the reason; a dry run reports the same."""
    content, name = junk(size), name_of(1)
    (tmp_path / name).write_bytes(content)
    done = cli("import", tmp_path / name)
    assert done.code == 3
    assert f"{size:,} bytes, a round has at most {MAX_ROUND_BYTES:,}" in done.err
    assert kept(db, name) == (HEAD_BYTES, size, hashlib.sha256(content).hexdigest())
    (entry,) = json.loads(cli("quarantine", "--json").out)
    assert (entry["size_bytes"], entry["file_hash"]) == (size, hashlib.sha256(content).hexdigest())
    assert f"{size:,} bytes" in cli("import", tmp_path / name, "--dry-run").err
    assert "still in quarantine" in cli("import", tmp_path / name).err


def test_file_of_the_maximum_size_is_stored_completely(cli: Cli, tmp_path: Path, db: psycopg.Connection) -> None:
    """A file of exactly the limit is stored completely."""
    (tmp_path / name_of(1)).write_bytes(junk(MAX_ROUND_BYTES))
    assert cli("import", tmp_path / name_of(1)).code == 3
    assert kept(db, name_of(1))[0] == MAX_ROUND_BYTES


def test_other_commands_do_not_treat_the_head_as_the_file(
    cli: Cli, tmp_path: Path, db: psycopg.Connection
) -> None:
    """Retry, rebuild, verify and backup do not treat the head as the file."""
    content, name = junk(200_000), name_of(1)
    (tmp_path / name).write_bytes(content)
    cli("import", tmp_path / name)
    before = kept(db, name)
    (entry,) = json.loads(cli("quarantine", "--json").out)
    retried = cli("quarantine", "retry")
    assert (retried.code, "200,000 bytes" in retried.err) == (3, True)
    assert cli("rebuild", "--yes").code == 0
    assert cli("rebuild", "--verify").code == 0
    assert cli("backup").code == 0
    assert cli("restore", "latest", "--yes").code == 0
    assert kept(db, name) == before
    assert json.loads(cli("quarantine", "--json").out) == [entry]


def test_large_version_does_not_replace_a_valid_one(
    cli: Cli, tmp_path: Path, files: list[GeneratedFile], db: psycopg.Connection
) -> None:
    """The valid version still counts, and the large one is known when it arrives again."""
    path = tmp_path / files[0].name
    path.write_bytes(files[0].content)
    assert cli("import", path).code == 0
    path.write_bytes(junk(200_000))
    assert cli("import", path).code == 3
    assert kept(db, path.name)[0] == len(files[0].content)
    assert db.execute("SELECT rejected_size, octet_length(rejected_content) FROM processed_files").fetchall() == [
        (200_000, HEAD_BYTES)
    ]
    db.rollback()
    assert "still in quarantine" in cli("import", path).err
    (entry,) = json.loads(cli("quarantine", "--json").out)
    assert (entry["size_bytes"], entry["has_good"]) == (200_000, True)


def test_large_file_is_fetched_once(cli: Cli, game: Game, home: Path, db: psycopg.Connection) -> None:
    """A large file, or a large version of a valid one, is fetched once and not stored on disk."""
    assert cli("sync").code == 0
    good = min(path.name for path in game.root.iterdir())
    for name in (good, name_of(1)):
        game.put(name, junk(300_000), MTIME)
    first = cli("sync", "--since", "all")
    assert first.code == 3, first.err
    assert kept(db, name_of(1))[:2] == (HEAD_BYTES, 300_000)
    opened = len(game.server.opened)
    second = cli("sync", "--since", "all")
    assert second.code == 0, second.err
    assert len(game.server.opened) == opened
    assert max(path.stat().st_size for path in (home / "data").rglob("*.txt")) <= MAX_ROUND_BYTES


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures memory as Linux shows it")
def test_junk_files_cost_no_memory_or_disk(game: Game, database_url: str, home: Path) -> None:
    """A server full of junk with valid names costs neither memory nor disk; health reports it."""
    for number in range(250):
        game.put(name_of(number), junk(MAX_FILE_BYTES, number), MTIME + number)
    script = (
        "import sys\nfrom pathlib import Path\nfrom etstats.cli import main\ncode = main(sys.argv[1:])\n"
        "print(code, Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    environment = os.environ | {"ETSTATS_DATABASE_URL": database_url}
    done = run([sys.executable, "-c", script, "-q", "sync"], env=environment)
    code, kilobytes = map(int, done.stdout.split())
    assert code == 3, done.stderr[-500:]
    assert done.stderr.count("quarantined:") == 250
    assert kilobytes < 150_000
    health = run([sys.executable, "-m", "etstats", "health", "--json"], env=environment)
    (sign,) = [sign for sign in json.loads(health.stdout)["signs"] if sign["name"] == "quarantine"]
    assert sign["text"].startswith("250 files, 1.0 MB kept")
    assert sum(path.stat().st_size for path in (home / "data").rglob("*.txt")) < 2_000_000
