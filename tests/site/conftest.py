"""Fixtures: a community with a year of sessions and hostile names, and its site."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import Connection

from etstats.db.connection import SNAPSHOT_ISOLATION, connect
from etstats.demo.generator import GeneratedFile, generate
from etstats.importer.importer import Importer, Incoming
from etstats.site.builder import build
from etstats.site.folder import Changes
from etstats.site.settings import SiteConfig
from etstats.stats import ratings
from tests.conftest import own_database
from tests.support.files import File, line, round_file

ZONE = ZoneInfo("Europe/Ljubljana")
START = datetime(2025, 5, 2, 20)  # noqa: DTZ001  # the server's own clock
HOSTILE_SERVER = "<img src=x onerror=alert(1)>"
HOSTILE_MAP = "\"><script>alert('map')<"
HOSTILE_NAMES = {
    "66600001": "^1<script>alert('name')</script>",
    "66600002": "\"' onmouseover='alert(1)' x=\"",
    "66600003": "{{ 7*7 }}{% raw %}</title>",
    "66600004": "\u202eevil\u200b\u2066\ufeff^3right",
    "66600005": "x" * 10_000,
    "66600006": "^2   ^1\u3164",
    "66600007": "Z\u0301\u0302\u0303\u0304\u0305\u0306algo",
    "66600008": "שלום-مرحبا-🔥",
    "66600009": "</svg><!--</table>]]>&amp;&lt;",
    "6660000A": "javascript:alert(1)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """A database with rounds, with methods to change it and build its site."""

    url: str
    conn: Connection

    def add(self, files: list[GeneratedFile] | list[File], server: str = "main") -> None:
        """Import files."""
        importer = Importer(self.conn, server, ZONE, gap=timedelta(minutes=60))
        incoming = [Incoming(filename=file.name, content=file.content, mtime=file.mtime) for file in files]
        for result in importer.add_all(incoming):
            assert not result.reason, result

    def change(self, query: str, *parameters: object) -> None:
        """Change stored rows."""
        self.conn.execute(query, parameters)  # type: ignore[arg-type]  # the tests' own words
        self.conn.commit()

    def build(self, root: Path, options: SiteConfig | None = None, *, anew: bool = False) -> Changes:
        """Build the site."""
        with connect(self.url, read_only=True) as conn:
            conn.isolation_level = SNAPSHOT_ISOLATION
            return build(conn, root, options or SiteConfig(), ZONE, anew=anew)


def hostile_files() -> list[File]:
    """Return both rounds of a map, with hostile names for the map and all players."""
    lines, both = [], []
    for place, (guid, name) in enumerate(HOSTILE_NAMES.items()):
        once = {"MP40": (40 + place, 100, 10 + place, 5, 4)}
        twice = {"MP40": (80 + place, 220, 21 + place, 11, 9)}
        lines.append(line(guid, name, team=1 + place % 2, weapons=once, damage_given=2000 + 100 * place))
        both.append(line(guid, name, rounds=2, team=2 - place % 2, weapons=twice, damage_given=5100))
    return [
        round_file("2025-12-24-213000", 1, lines, map_name="hostile"),
        round_file("2025-12-24-213800", 2, both, map_name="hostile", limit="5:00", actual="4:00"),
    ]


def generated() -> list[GeneratedFile]:
    """Return the files of several months of sessions."""
    return list(generate(5, start=START, sessions=5, players=6, maps=(2, 3), pause_days=(5, 20)))


@pytest.fixture(scope="session")
def community_template(admin: psycopg.Connection, postgres: str, migrated_template: str) -> Iterator[str]:
    """Return the name of a template database with the community."""
    with own_database(admin, postgres, migrated_template) as url:
        with connect(url) as conn:
            community = Community(url=url, conn=conn)
            community.add(generated())
            community.add(hostile_files(), HOSTILE_SERVER)
            # The file's name allows no such map; what is stored is escaped all the same.
            community.change(
                "UPDATE rounds SET map_name = %s, config = %s, match_id = %s || match_id "
                "WHERE map_name = 'hostile'",
                HOSTILE_MAP,
                HOSTILE_SERVER,
                HOSTILE_MAP,
            )
            ratings.update(conn)
        yield urlsplit(url).path[1:]


@pytest.fixture
def community(admin: psycopg.Connection, postgres: str, community_template: str) -> Iterator[Community]:
    """Return the community, for one test."""
    with own_database(admin, postgres, community_template) as url, connect(url) as conn:
        yield Community(url=url, conn=conn)


@pytest.fixture
def newcomers(database_url: str) -> Iterator[Community]:
    """Return a database without rounds."""
    with connect(database_url) as conn:
        yield Community(url=database_url, conn=conn)


@pytest.fixture(scope="session")
def site(
    admin: psycopg.Connection, postgres: str, community_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Return the community's site, which tests only read."""
    root = tmp_path_factory.mktemp("site") / "site"
    with own_database(admin, postgres, community_template) as url, connect(url) as conn:
        Community(url=url, conn=conn).build(root)
        yield root


@pytest.fixture
def kept(site: Path, tmp_path: Path) -> Path:
    """Return a copy of the community's site, which a test changes with builds."""
    return shutil.copytree(site, tmp_path / "kept")


def tree(root: Path) -> dict[str, bytes]:
    """Return all files of a folder, by path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
