"""Reads from a streaming replica: PostgreSQL's own pg_basebackup and two servers on loopback."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etstats.db import embedded
from etstats.demo.generator import Quirks, generate, write_files
from tests.acceptance.scale.streaming import streaming_pair
from tests.conftest import CliResult
from tests.support.processes import until
from tests.support.scene import START

Cli = Callable[..., CliResult]
READING = (
    ["leaderboard", "--top", "kills"],
    ["sessions"],
    ["session"],
    ["round"],
    ["rounds"],
    ["maps"],
    ["weapons"],
    ["records"],
    ["season"],
    ["awards"],
    ["achievements"],
    ["validate"],
    ["quarantine"],
    ["links"],
)


@pytest.fixture
def replica() -> Iterator[tuple[str, str]]:
    """The URLs of a database and of its streaming replica."""
    with streaming_pair() as pair:
        yield pair.primary, pair.replica


def test_reading_commands_use_the_replica(
    cli: Cli, replica: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They print what the primary would; nothing is written to the replica; its lag is shown."""
    primary, copy = replica
    monkeypatch.setenv("ETSTATS_DATABASE_URL", primary)
    write_files(tmp_path, generate(1, start=START, files=40, zone="UTC", quirks=Quirks()))
    assert cli("import", tmp_path).code == 0

    def behind() -> int:
        replica = json.loads(cli("--read-url", copy, "db", "status", "--json").out)["replica"]
        assert replica["is_replica"]
        return int(replica["bytes_behind"])

    until(lambda: behind() == 0)
    # A checkpoint may come between two questions.
    until(lambda: "replica     0 bytes behind, last commit 20" in cli("--read-url", copy, "db", "status").out)
    for words in READING:
        from_primary = cli(*words, "--json")
        from_replica = cli("--read-url", copy, *words, "--json")
        assert from_primary.code == from_replica.code == 0, from_replica.err
        assert from_primary.out == from_replica.out
        assert from_replica.out.strip() not in ("", "null")
    monkeypatch.setenv("ETSTATS_DATABASE_READ_URL", copy)
    assert cli("player", "0").code in (0, 2)
    monkeypatch.setenv("ETSTATS_DATABASE_URL", copy)
    refused = cli("import", tmp_path)
    assert refused.code == 2
    assert "point database.url to the primary" in refused.err


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://db.example/etstats", "is not a PostgreSQL URL"),
        ("", "is empty"),
        ("postgresql://et:p@ss@db.example/etstats", "the password's special characters"),
    ],
)
def test_replica_error_names_its_setting(cli: Cli, url: str, reason: str) -> None:
    """A wrong --read-url is not reported as a fault of database.url, and the password is not shown."""
    refused = cli("--read-url", url, "sessions")
    assert refused.code == 2
    assert "database.read_url (--read-url)" in refused.err
    assert reason in refused.err
    assert "p@ss" not in refused.err


def test_unreachable_replica_is_a_temporary_error(cli: Cli, tmp_path: Path) -> None:
    """One line and exit code 75, while writing continues."""
    nowhere = f"postgresql://etstats@/etstats?host={tmp_path}"
    asked = cli("--read-url", nowhere, "sessions")
    assert asked.code == 75
    assert "is database.read_url (--read-url) right?" in asked.err
    write_files(tmp_path, generate(1, start=START, files=2, zone="UTC", quirks=Quirks()))
    assert cli("--read-url", nowhere, "import", tmp_path).code == 0


def test_another_primary_is_not_accepted_as_a_replica(cli: Cli, database_url: str) -> None:
    """A read_url of another primary is reported."""
    assert "is not a replica" in cli("--read-url", database_url, "db", "status").out


def test_package_contains_pg_basebackup() -> None:
    """The package has the program that creates a replica."""
    version = subprocess.run([embedded.bin_dir() / "pg_basebackup", "--version"], capture_output=True, check=True)
    assert str(embedded.VERSION).encode() in version.stdout
