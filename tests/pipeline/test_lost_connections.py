"""The database ends the connection at any message of a run: a temporary error, and the next run recovers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest

from etstats.config.loader import load
from etstats.config.schema import Config
from etstats.demo.generator import GeneratedFile
from etstats.errors import TemporaryError
from etstats.pipeline.database import open_database, open_for_reading
from tests.conftest import CliResult
from tests.pipeline.conftest import Database, Game


@contextmanager
def lost_at(number: int, admin: psycopg.Connection) -> Iterator[Callable[[], int]]:
    """End the database connection before the `number`-th message in the block; count the messages."""
    wait, count = psycopg.Connection.wait, 0

    def wait_or_lose(conn: psycopg.Connection, *arguments: Any, **named: Any) -> Any:
        nonlocal count
        if conn is not admin:
            count += 1
            if count == number:
                admin.execute("SELECT pg_terminate_backend(%s, 10000)", (conn.info.backend_pid,))
        return wait(conn, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Connection, "wait", wait_or_lose)
        yield lambda: count


def test_connection_lost_at_any_message_is_temporary(
    game: Game,
    files: list[GeneratedFile],
    admin: psycopg.Connection,
    database: Database,
    cli: Callable[..., CliResult],
) -> None:
    """For every message of a run: exit code 75, one line, no data lost."""
    assert game.server.port
    number, failures = 1, 0
    while True:
        with lost_at(number, admin) as messages:
            done = cli("-q", "sync", "--post")
        if done.code:
            assert (done.code, done.err.count("\n")) == (75, 1), (number, done)
            failures += 1
        if messages() < number:
            break
        number += 1
    assert done == CliResult(code=0, out="", err="")
    assert failures > number / 2
    assert database.rounds == len(files)


@pytest.mark.parametrize("opened", [open_database, open_for_reading])
def test_lost_connection_is_temporary_between_statements(
    opened: Callable[[Config], AbstractContextManager[psycopg.Connection]],
    admin: psycopg.Connection,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also between two statements."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url)

    def use_lost_connection() -> None:
        with opened(load(None)) as conn:
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", (conn.info.backend_pid,))
            conn.execute("SELECT 1")

    with pytest.raises(TemporaryError, match="run the command again"):
        use_lost_connection()
