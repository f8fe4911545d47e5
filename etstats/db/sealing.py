"""Store the sums of past months and years, and compare them with the rounds; see `etstats.db.sealed`."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from etstats.db import award_sums, career_steps
from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_column
from etstats.domain.rules.records import ACCURACY_SHOTS, DPM_SECONDS, SESSION_DPM_SECONDS

_BOUNDS = {
    "dpm_seconds": DPM_SECONDS,
    "accuracy_shots": ACCURACY_SHOTS,
    "session_dpm_seconds": SESSION_DPM_SECONDS,
}
"""Changing one of these needs a migration that empties `sealed` and the sums."""

LEAST_ROUNDS = 5_000


class Level(NamedTuple):
    """How periods are found, what their parts are, and which tables are computed from rounds and from parts."""

    query: str
    part: str
    of_rounds: tuple[str, ...] = ()
    of_parts: tuple[str, ...] = ()

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield each table and the query of a period's rows."""
        yield from ((table, query_with_columns(f"{table}_of_rounds")) for table in self.of_rounds)
        yield from ((table, query_with_columns(f"{table}_of_parts")) for table in self.of_parts)


_TABLES = ("sealed_players", "sealed_weapons", "sealed_maps", "sealed_sessions")
_BY_MAP = ("sealed_player_maps",)
_LEVELS = {
    0: Level("months_to_seal", part="", of_rounds=_TABLES),
    1: Level("years_to_seal", part="month", of_parts=_TABLES),
    2: Level("all_years_to_seal", part="year", of_rounds=_BY_MAP, of_parts=_TABLES),
}
# Rounds may still arrive; and boards compare with the week before the newest round.
_LEAST_AGE = timedelta(days=8)
_DAY, _MONTH, _YEAR = timedelta(days=1), timedelta(days=31), timedelta(days=366)


class Period(NamedTuple):
    """A month (level 0), a year (1) or all past years (2) of a server: start <= ended_at < stop."""

    server_id: int
    level: int
    start: datetime
    stop: datetime


class StoredPeriod(NamedTuple):
    """A sealed period with the name of its server."""

    sealed_id: int
    server_id: int
    server: str
    level: int
    start: datetime
    stop: datetime
    sessions: int


def seal(conn: Connection, *, seconds: float | None = None, least_rounds: int = LEAST_ROUNDS) -> int:
    """Seal past months and years, newest first, then all past years and careers; return the number.

    `seconds`: start no period after this time.

    Nothing is sealed in a database with fewer than `least_rounds`, where reading all rounds is as fast. Each
    period is sealed in its own transaction; periods whose rounds are being changed are skipped. No transaction
    may be open.
    """
    began, done = monotonic(), 0

    def is_over() -> bool:
        return seconds is not None and monotonic() - began >= seconds

    for level in _LEVELS:
        for period in _periods_to_seal(conn, least_rounds, level):
            if is_over():
                return done
            done += _seal(conn, period)
    while not is_over() and _seal_careers(conn, least_rounds):
        done += 1
    return done


def unseal_all(conn: Connection) -> None:
    """Unseal every period, in the caller's transaction."""
    conn.execute(query("unseal_all"))


def seal_some(conn: Connection, run_seconds: float) -> int:
    """Seal periods for a twentieth of the run's duration, at least one period."""
    return seal(conn, seconds=max(0.2, run_seconds / 20))


def _periods_to_seal(conn: Connection, least_rounds: int, level: int) -> list[Period]:
    with conn.transaction():
        until = _sealable_until(conn, least_rounds)
        if until is None:
            return []
        return fetch_all(conn, Period, _LEVELS[level].query, {"until": until})


def _sealable_until(conn: Connection, least_rounds: int) -> datetime | None:
    """Return the time until which rounds may be sealed; None: there are too few rounds."""
    newest: datetime | None = fetch_column(conn, "newest_round", {"least_rounds": least_rounds})[0]
    return None if newest is None else newest - _LEAST_AGE


def _seal(conn: Connection, period: Period) -> bool:
    level = _LEVELS[period.level]
    parameters: dict[str, object] = {**period._asdict(), **_BOUNDS, "part": level.part}
    try:
        with conn.transaction():
            if fetch_column(conn, "try_seal_lock", parameters) == [False]:
                return False
            if fetch_column(conn, "is_sealable", parameters) == [False]:
                return False
            conn.execute(query("unseal_former"), parameters)
            (parameters["sealed_id"],) = fetch_column(conn, "add_sealed", parameters)
            conn.execute(query("find_split_sessions"), parameters)
            sessions = "sealed_sessions_between_parts" if level.part else "sealed_award_sessions"
            parameters["sessions"] = ids = fetch_column(conn, sessions, parameters)
            conn.execute(query("count_sealed_sessions"), parameters)
            for table, rows in level.rows():
                conn.execute(_insert(table, rows), parameters)
            awards = _insert("sealed_awards", query_with_columns("sealed_awards_of_parts"))
            conn.execute(awards, {**parameters, **award_sums.given(award_sums.of_sessions(conn, ids))})
    except psycopg.errors.NumericValueOutOfRange:
        return False  # sums that no column holds: the period is read from its rounds
    return True


def _seal_careers(conn: Connection, least_rounds: int) -> bool:
    """Seal careers for up to one more year; return whether they were sealed."""
    with conn.transaction():
        limit = _sealable_until(conn, least_rounds)
        before = career_steps.sealed_careers(conn)
        since: datetime | None = before.stop if before else fetch_column(conn, "first_round")[0]
        if limit is None or since is None or (before is not None and limit < since + _MONTH):
            return False
        if fetch_column(conn, "try_seal_locks") == [False]:
            return False
        # Read it again under the lock.
        before = career_steps.sealed_careers(conn)
        since = before.stop if before else since
        until = since
        stop: datetime | None = None
        while stop is None:  # further years where nobody played for a year
            if until >= limit:
                return False
            until = min(limit, until + _YEAR)
            stop = fetch_column(conn, "next_stop_of_careers", {"since": since, "until": until})[0]
        steps = career_steps.all_reached(conn, before, stop)
        if before is not None:
            steps = [step for step in steps if step.reached_on >= before.stop]
        (sealed_id,) = fetch_column(conn, "store_sealed_careers", {"stop": stop})
        parameters = {"sealed_id": sealed_id, "since": before.stop if before else None, "until": stop}
        totals = _insert("sealed_careers", query_with_columns("sealed_careers_of_rounds"))
        conn.execute(totals + sql.SQL(" ") + sql.SQL(query("add_to_totals")), parameters)
        columns = {
            "guids": [step.player_guid for step in steps],
            "keys": [step.key for step in steps],
            "thresholds": [step.threshold for step in steps],
            "moments": [step.reached_on for step in steps],
        }
        conn.execute(query("add_sealed_steps"), {"sealed_id": sealed_id, **columns})
    return True


class SealedDifference(NamedTuple):
    """Rows of a table that differ from the sums of a sealed period's rounds."""

    table: str
    period: str
    rows: int


def differences(conn: Connection) -> list[SealedDifference]:
    """Compute the sums of every sealed period again and compare, in the caller's transaction."""
    found = []
    for period in fetch_all(conn, StoredPeriod, "stored_periods"):
        parameters = {**period._asdict(), **_BOUNDS}
        parameters["sessions"] = ids = fetch_column(conn, "sealed_award_sessions", parameters)
        tables = _TABLES + _LEVELS[period.level].of_rounds
        rows = {table: query_with_columns(f"{table}_of_rounds") for table in tables}
        derived = {table: set(conn.execute(of_rounds, parameters)) for table, of_rounds in rows.items()}
        awards = award_sums.arrays(award_sums.of_sessions(conn, ids))
        derived["sealed_awards"] = _hashable((period.sealed_id, guid, *own) for guid, own in awards.items())
        counts = {
            table: len(expected ^ _stored_rows(conn, table, period.sealed_id))
            for table, expected in derived.items()
        }
        for table, count in {**counts, "sealed": int(len(ids) != period.sessions)}.items():
            if count:
                start, stop = period.start + _DAY, period.stop + _DAY  # of UTC, not of the server
                name = (f"{start:%Y-%m}", f"{start:%Y}", f"until {stop:%Y}")[period.level]
                found.append(SealedDifference(table=table, period=f"{period.server} {name}", rows=count))
    return found + _career_differences(conn)


def _career_differences(conn: Connection) -> list[SealedDifference]:
    stored = career_steps.sealed_careers(conn)
    if stored is None:
        return []
    parameters = {"sealed_id": stored.id, "since": None, "until": stored.stop}
    totals = query_with_columns("sealed_careers_of_rounds")
    steps = career_steps.all_reached(conn, None, stored.stop)
    pairs = {
        "sealed_careers": _hashable(conn.execute(totals, parameters)),
        "sealed_steps": {(stored.id, *step[:4]) for step in steps},
    }
    return [
        SealedDifference(table=table, period=f"until {stored.stop:%Y-%m-%d}", rows=len(found))
        for table, derived in pairs.items()
        if (found := derived ^ _stored_rows(conn, table, stored.id))
    ]


def _stored_rows(conn: Connection, table: str, sealed_id: int) -> set[tuple[Any, ...]]:
    rows = sql.SQL("SELECT * FROM {} WHERE sealed_id = %(sealed_id)s").format(sql.Identifier(table))
    return _hashable(conn.execute(rows, {"sealed_id": sealed_id}))


def _hashable(rows: Iterable[Sequence[object]]) -> set[tuple[Any, ...]]:
    return {tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in rows}


def _insert(table: str, rows: str) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ").format(sql.Identifier(table)) + sql.SQL(rows)
