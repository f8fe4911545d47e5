"""Run the checks in `sql/checks/`: each is a SELECT of wrong rows, named after the error.

The first comment line is `-- error: ...` or `-- warning: ...` and describes the error. Every check returns the
columns file_id, round_id, player_guid, field, value, expected.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from psycopg.rows import class_row

from etstats.db.columns import with_columns
from etstats.db.connection import Connection
from etstats.db.queries import check_files, check_query, query
from etstats.domain.rounds import Finding, Severity
from etstats.errors import EtstatsError

_STEP = 200


class Check(NamedTuple):
    """A check: its name, and the severity and meaning of its findings."""

    name: str
    severity: Severity
    description: str


class ArchivedRound(NamedTuple):
    """A stored round with its archived files; the counts are those of the stored rows."""

    round_id: int
    server: str
    filename: str
    content: bytes
    round1_filename: str | None
    round1_content: bytes | None
    is_cumulative: bool
    stopwatch: bool
    players: int
    kills: int
    deaths: int
    weapons: int


@cache
def all_checks() -> tuple[Check, ...]:
    """Return all checks, errors first, by name."""
    checks = [_read(path) for path in check_files()]
    return tuple(sorted(checks, key=lambda check: (check.severity, check.name)))


def run_check(
    conn: Connection, check: Check, parameters: Mapping[str, object], since: datetime | None
) -> list[Finding]:
    """Return the findings of a check in rounds that ended since a time (None: in all rounds)."""
    bounds = "" if since is None else query("rows_of_recent_sessions")
    sql = f"WITH {bounds} found AS ({with_columns(check_query(check.name))}) {query('locate_findings')}"
    rows = conn.execute(sql, {**parameters, "since": since})
    return [Finding(check.severity, check.name, *row) for row in rows]


def finds(conn: Connection, name: str) -> bool:
    """Return whether a check without parameters finds anything, in any round."""
    found = conn.execute(f"SELECT EXISTS ({with_columns(check_query(name))})").fetchone()
    return found == (True,)


def archived_rounds(conn: Connection, since: datetime | None) -> Iterator[ArchivedRound]:
    """Yield the stored rounds since a time with their archived files, read in blocks of a few hundred."""
    after = 0
    while True:
        parameters = {"after": after, "since": since, "limit": _STEP}
        with conn.cursor(row_factory=class_row(ArchivedRound)) as cursor:
            rows = cursor.execute(query("archived_rounds"), parameters).fetchall()
        yield from rows
        if len(rows) < _STEP:
            return
        after = rows[-1].round_id


def count_rounds(conn: Connection, since: datetime | None) -> int:
    """Return the number of rounds that ended since a time."""
    row = conn.execute(query("count_rounds"), {"since": since}).fetchone()
    return row[0] if row else 0


def _read(path: Path) -> Check:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    severity, colon, description = first.removeprefix("--").strip().partition(": ")
    if not colon or severity not in list(Severity):
        raise EtstatsError(f"{path} must begin with '-- error: ...' or '-- warning: ...'")
    return Check(name=path.stem, severity=Severity(severity), description=description)
