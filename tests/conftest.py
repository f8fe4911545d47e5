"""What every test may ask for: a real PostgreSQL, an own migrated database, and the command line."""

import io
import itertools
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import psycopg
import pytest
from psycopg import sql

from etstats.db import embedded
from etstats.db.connection import connect
from etstats.db.migrations import migrate
from etstats.demo.discord import StandIn
from tests.support.examples import GIVEN
from tests.support.game import Game

OUTSIDE_SERVER = os.environ.get("ETSTATS_TEST_DATABASE_URL")
"""A PostgreSQL to test against instead of the embedded one; its user creates and drops databases there."""

_OWN = f"etstats_test_{secrets.token_hex(4)}"  # an outside server may have databases of other runs
# What is right does not become wrong on a busy machine or in another run: no example is timed; all runs try the
# same ones.
hypothesis.settings.register_profile(
    "repeatable",
    deadline=None,
    database=None,
    derandomize=GIVEN is None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("repeatable")

_numbers = itertools.count(1)

MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 4 << 30  # bytes
# Tests write thousands of files and hundreds of databases, and none survives a power failure of the machine.
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# Processes of tests inherit what is ignored: SIGHUP under `nohup make test`, SIGINT under `make test &`.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGTERM, signal.default_int_handler)  # the fixtures stop their servers
signal.signal(signal.SIGINT, signal.default_int_handler)


SLOW = (
    *("acceptance/", "demo/", "docs/test_readme", "site/test_browser", "support/test_discord_client"),
    *("db/test_embedded", "db/test_pgbouncer", "completion/test_shells", "admin/setup/test_zones"),
    *("sync/test_agent", "sync/test_conformance", "sync/test_faults", "sync/test_hostile", "sync/test_hosts"),
    *("sync/test_login", "sync/test_server", "post/publish/", "parser/test_fuzz"),
    *("post/render/test_discord", "post/render/test_compact", "post/render/test_charts", "output/test_terminal"),
    *("commands/identity/test_pseudonyms", "admin/operations/test_logs", "admin/operations/test_cron_itself"),
    *("importer/test_reconcile", "site/test_folder", "test_surroundings", "domain/test_rating"),
    *("test_cli.py::test_full_disk", "post/render/test_message.py::test_hostile"),
)
"""Tests that start servers, browsers or shells, or run thousands of examples: beginnings of paths."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make test-fast` leaves out: those that use PostgreSQL, and the slow ones."""
    folder = Path(__file__).parent
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)
        if f"{item.path.relative_to(folder).as_posix()}::{item.name}".startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True, slots=True, kw_only=True)
class CliResult:
    """The result of one call of the command line."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def reachable_dir() -> Iterator[Path]:
    """A folder that root's database account can reach, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="etstats-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def discord() -> Iterator[StandIn]:
    """A Discord stand-in that fails the test on floods, duplicates and pings."""
    with StandIn() as stand_in:
        yield stand_in
        assert not stand_in.violations
        assert not stand_in.duplicates
        assert not stand_in.pinged


@pytest.fixture(scope="session")
def postgres(reachable_dir: Path) -> Iterator[str]:
    """The URL of an embedded PostgreSQL for the test run, or of the server that is configured."""
    if OUTSIDE_SERVER:
        yield OUTSIDE_SERVER
        return
    data_dir = reachable_dir / "data"
    yield embedded.ensure_running(data_dir, durable=False)
    embedded.stop(data_dir)


@pytest.fixture(scope="session")
def admin(postgres: str) -> Iterator[psycopg.Connection]:
    """A connection that creates and drops the databases of the tests."""
    with connect(postgres) as conn:
        conn.autocommit = True
        yield conn


@pytest.fixture(scope="session")
def migrated_template(admin: psycopg.Connection, postgres: str) -> Iterator[str]:
    """The name of a database with the complete schema and no rows."""
    with own_database(admin, postgres, "template0") as url:
        with connect(url) as conn:
            migrate(conn)
        yield urlsplit(url).path[1:]


@contextmanager
def own_database(admin: psycopg.Connection, postgres: str, template: str) -> Iterator[str]:
    """Yield the URL of a new database copied from the template; drop it at the end."""
    name = f"{_OWN}_{next(_numbers)}"
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    if admin.info.server_version >= 150000:
        make += sql.SQL(" STRATEGY file_copy")  # a third of the default's time; before 15 there was no other
    admin.execute(make)
    try:
        yield urlsplit(postgres)._replace(path=f"/{name}").geturl()
    finally:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def empty_database_url(admin: psycopg.Connection, postgres: str) -> Iterator[str]:
    """The URL of a database without tables, for one test."""
    with own_database(admin, postgres, "template0") as url:
        yield url


@pytest.fixture
def database_url(admin: psycopg.Connection, postgres: str, migrated_template: str) -> Iterator[str]:
    """The URL of a migrated database, for one test."""
    with own_database(admin, postgres, migrated_template) as url:
        yield url


@pytest.fixture
def db(database_url: str) -> Iterator[psycopg.Connection]:
    """An open connection to the database of this test, without autocommit."""
    with connect(database_url) as conn:
        yield conn


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate home folder; the real one is neither read nor written."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    for name in [name for name in os.environ if name.startswith(("ETSTATS_", "PG", "XDG_"))]:
        monkeypatch.delenv(name)
    for name in ("COLUMNS", "LINES"):  # pytest's workers say how wide their terminal is not
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    for name, place in {
        "CONFIG": ".config",
        "DATA": ".local/share",
        "STATE": ".local/state",
        "CACHE": ".cache",
    }.items():
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / place))
    monkeypatch.setenv("ETSTATS_DATA_DIR", str(folder / "data"))
    return folder


@pytest.fixture
def cli(
    home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., CliResult]:
    """Call the command line like a shell: `cli("player", "bob", stdin="y\\n") -> code, out, err`."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url)

    def call(*argv: str | Path, stdin: str = "") -> CliResult:
        from etstats.cli import main
        from etstats.output import consoles

        consoles.out.cache_clear()  # another test's terminal may have been narrower
        consoles.err.cache_clear()
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            code = main([str(argument) for argument in argv])
        captured = capsys.readouterr()
        return CliResult(code=code, out=captured.out, err=captured.err)

    return call


@pytest.fixture
def game() -> Iterator[Callable[..., Game]]:
    """Start games on loopback: `game(people=6)`; each is stopped at the end."""
    with ExitStack() as stack:
        yield lambda **says: stack.enter_context(Game(**says))
