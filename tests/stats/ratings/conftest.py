"""Fixtures: databases with the rounds of a generated community."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg
import pytest

from etstats.db.connection import connect
from etstats.demo.generator import EVERYDAY, GeneratedFile, generate
from etstats.importer.importer import Importer, Incoming
from tests.conftest import own_database

START = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
ZONE = "Europe/Ljubljana"


def add(conn: psycopg.Connection, files: Sequence[GeneratedFile], server: str = "main") -> None:
    """Import files like `etstats import`."""
    importer = Importer(conn, server, ZoneInfo(ZONE), timedelta(minutes=60))
    incoming = [Incoming(filename=file.name, content=file.content, mtime=file.mtime) for file in files]
    for outcome in importer.add_all(incoming):
        assert not outcome.reason, outcome


@pytest.fixture(scope="session")
def files() -> list[GeneratedFile]:
    """Return the files of three sessions, in order."""
    return list(generate(5, start=START, zone=ZONE, sessions=3, players=7, maps=(4, 5), quirks=EVERYDAY))


@pytest.fixture(scope="session")
def rated_template(
    admin: psycopg.Connection, postgres: str, migrated_template: str, files: list[GeneratedFile]
) -> Iterator[str]:
    """Return the name of a template database with these files, not yet rated."""
    with own_database(admin, postgres, migrated_template) as url:
        with connect(url) as conn:
            add(conn, files)
        yield urlsplit(url).path[1:]


@pytest.fixture
def database_url(admin: psycopg.Connection, postgres: str, rated_template: str) -> Iterator[str]:
    """Return the URL of a database with these files, for one test."""
    with own_database(admin, postgres, rated_template) as url:
        yield url
