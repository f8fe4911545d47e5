"""The whole pipeline on every installed PostgreSQL, and on the one of ETSTATS_TEST_DATABASE_URL."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from etstats.db import embedded
from etstats.db.connection import OLDEST_SERVER
from etstats.demo.generator import Quirks, generate, write_files
from etstats.errors import ConfigError
from tests.conftest import OUTSIDE_SERVER, CliResult
from tests.support.scene import START

Cli = Callable[..., CliResult]
NEWEST_SERVER = 18
READING = ("leaderboard --top kd", "sessions", "session", "round", "maps", "weapons", "records", "season",
           "awards", "achievements", "validate", "find e", "quarantine", "health")  # fmt: skip


def _has(version: int) -> bool:
    try:
        embedded.bin_dir(version)
    except ConfigError:
        return False
    return True


VERSIONS = [version for version in range(OLDEST_SERVER, NEWEST_SERVER + 1) if _has(version)]
OUTSIDE = 0


def _named(version: int) -> str:
    return f"PostgreSQL {version or 'outside'}"


@pytest.fixture(params=[*VERSIONS, OUTSIDE] if OUTSIDE_SERVER else VERSIONS, ids=_named)
def server(request: pytest.FixtureRequest, empty_database_url: str) -> Iterator[tuple[int, str]]:
    """A running server of one version, with an empty database."""
    version = request.param
    if version == OUTSIDE:
        with psycopg.connect(empty_database_url) as conn:
            version = conn.info.server_version // 10000
        yield version, empty_database_url
        return
    with tempfile.TemporaryDirectory(prefix="etstats-tests-") as name:
        data = Path(name)
        data.chmod(0o711)
        url = embedded.ensure_running(data, version=version, durable=False)
        try:
            yield version, url
        finally:
            embedded.stop(data, version=version)


def test_all_steps_work_on_every_version(
    cli: Cli, server: tuple[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migrate, import, query, rebuild, verify, back up and restore give equal results on every version."""
    version, url = server
    monkeypatch.setenv("ETSTATS_DATABASE_URL", url)
    files = tmp_path / "files"
    files.mkdir()
    written = list(generate(1, start=START, files=60, zone="UTC", quirks=Quirks()))
    write_files(files, reversed(written))
    assert cli("import", files).code == 0
    with psycopg.connect(url) as conn:
        assert conn.info.server_version // 10000 == version
        assert conn.execute("SELECT count(*) FROM rounds").fetchone() == (60,)
    for command in READING:
        done = cli(*command.split(), "--json")
        assert done.code in (0, 3), (command, done.err)
        assert json.loads(done.out) is not None
    for command in ("rebuild --yes", "rebuild --verify", "backup", "restore latest --yes", "rebuild --verify"):
        done = cli(*command.split())
        assert done.code == 0, (command, done.err)
