"""Fixtures: a database with generated sessions of two servers, for tests that only read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from etstats.db.connection import connect
from etstats.demo.generator import GeneratedSession, Quirks, generate_session
from etstats.domain.import_result import ImportStatus
from etstats.importer.importer import Importer, Incoming
from tests.conftest import own_database
from tests.stats.boards.expected import Act, acts

ODD = Quirks(
    resets=0.1,
    late_joiners=0.3,
    leavers=0.2,
    substitutes=0.8,
    renames=0.1,
    surrenders=0.2,
    impossible_numbers=0.05,
)
# (day of the session, seed, players, layout). An equal seed makes the same people; another number of players
# another session. Between the first and the last of the barn lies more than a week.
PLAYED = {
    "barn": [("2025-09-26", 1, 8, 38), ("2025-10-03", 1, 9, 38), ("2025-10-06", 1, 10, 38)],
    "hall": [("2024-05-01", 4, 8, 33), ("2025-03-01", 1, 7, 36)],
}


@pytest.fixture(scope="session")
def sessions() -> dict[str, list[GeneratedSession]]:
    """Return the true statistics, by server."""
    return {
        server: [
            generate_session(
                seed,
                start=datetime.fromisoformat(f"{day}T20:00"),
                layout=layout,
                players=players,
                maps=(4, 4),
                quirks=ODD,
            )
            for day, seed, players, layout in played
        ]
        for server, played in PLAYED.items()
    }


@pytest.fixture(scope="session")
def played(sessions: dict[str, list[GeneratedSession]]) -> list[Act]:
    """Return the true statistics, one row per player and round."""
    return acts(sessions)


@pytest.fixture(scope="session")
def filled_url(
    admin: psycopg.Connection, postgres: str, migrated_template: str, sessions: dict[str, list[GeneratedSession]]
) -> Iterator[str]:
    """Return the URL of a database with these sessions; tests that write must undo it."""
    with own_database(admin, postgres, migrated_template) as url:
        with connect(url) as conn:
            for server, several in sessions.items():
                importer = Importer(conn, server, ZoneInfo("Europe/Ljubljana"), timedelta(minutes=60))
                files = [file for session in several for file in session.files]
                incoming = [Incoming(filename=file.name, content=file.content, mtime=file.mtime) for file in files]
                assert {outcome.status for outcome in importer.add_all(incoming)} == {ImportStatus.IMPORTED}
        yield url
