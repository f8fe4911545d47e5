"""Tests of moving from the embedded PostgreSQL to another server and back, as in docs/postgresql.md."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from etstats.config.loader import unknown_variables
from etstats.db import dump, embedded
from etstats.db.connection import connect
from etstats.demo.generator import generate, write_files
from tests.conftest import CliResult

Cli = Callable[..., CliResult]


@pytest.fixture
def session_files(reachable_dir: Path) -> Path:
    """Return a folder of round files."""
    folder = reachable_dir / "session"
    folder.mkdir()
    write_files(folder, generate(5, start=datetime(2025, 10, 2, 18, tzinfo=UTC), files=6, zone="UTC"))
    return folder


def test_database_moves_from_the_embedded_server_and_back(
    cli: Cli,
    home: Path,
    reachable_dir: Path,
    empty_database_url: str,
    session_files: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """After backup, init and restore all tables are equal, in both directions."""
    data = reachable_dir / "moving"
    monkeypatch.delenv("ETSTATS_DATABASE_URL")
    monkeypatch.setenv("ETSTATS_DATA_DIR", str(data))
    url_file = tmp_path / "url"
    url_file.write_text(empty_database_url)
    url_file.chmod(0o600)
    place = ("--path", session_files)
    try:
        assert cli("init", "--yes", *place, "--embedded", "--import").code == 0
        with connect(embedded.ensure_running(data)) as conn:
            before = dump.contents(conn)
        assert cli("backup").code == 0
        assert cli("init", "--yes", *place, "--database-url-file", url_file).code == 0
        assert cli("restore", "latest", "--yes").code == 0
        assert cli("rebuild", "--verify").code == 0
        with connect(empty_database_url) as conn:
            assert dump.contents(conn) == before
        assert cli("backup").code == 0
        assert cli("init", "--yes", *place, "--embedded").code == 0
        assert cli("restore", "latest", "--yes").code == 0
        with connect(embedded.ensure_running(data)) as conn:
            assert dump.contents(conn) == before
    finally:
        embedded.stop(data)


def test_refused_login_shows_the_sql_for_role_and_database(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SQL statements of the message are quoted and work."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", urlsplit(database_url)._replace(path="/not%20there").geturl())
    done = cli("sessions")
    assert done.code == 2
    assert 'CREATE DATABASE "not there" OWNER ' in done.err
    assert len(done.err.splitlines()) == 1


def test_unknown_variable_is_reported_with_a_suggestion(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown variables are reported on stderr, except with -q; variables of settings are accepted."""
    assert unknown_variables({"ETSTATS_DATABASE_URL_FILE": "", "ETSTATS_SYNC_RUN_LIMIT": "", "HOME": ""}) == []
    monkeypatch.setenv("ETSTATS_DATABSE_URL", "x")
    done = cli("sessions")
    assert done.err == (
        "etstats: ETSTATS_DATABSE_URL is not a setting and is ignored; did you mean ETSTATS_DATABASE_URL?\n"
    )
    assert cli("-q", "sessions").err == ""
