"""Store the sums of past months and years, and compare them with the rounds; see `etstats.db.sealed`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

import psycopg
from psycopg import sql

from etstats.db import award_sums, career_steps
from etstats.db.award_sums import AwardSum
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
    """How the periods of a level are found, and how long their parts are."""

    query: str
    part: str


_LEVELS = {
    0: Level("months_to_seal", "1 month"),
    1: Level("years_to_seal", "1 month"),
    2: Level("all_years_to_seal", "1 year"),
}
# Rounds may still arrive; and boards compare with the week before the newest round.
_LEAST_AGE = timedelta(days=8)
_MONTH, _YEAR = timedelta(days=31), timedelta(days=366)


class Period(NamedTuple):
    """A month (level 0), a year (1) or all past years (2) of a server, in UTC: start <= ended_at < stop."""

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
    of_parts = period.level > 0
    parameters: dict[str, object] = {**period._asdict(), **_BOUNDS, "step": _LEVELS[period.level].part}
    try:
        with conn.transaction():
            if fetch_column(conn, "try_seal_lock", parameters) == [False]:
                return False
            if fetch_column(conn, "is_sealable", parameters) == [False]:
                return False
            conn.execute(query("unseal_former"), parameters)
            (parameters["sealed_id"],) = fetch_column(conn, "add_sealed", parameters)
            conn.execute(query("find_split_sessions"), parameters)
            sessions = "sealed_sessions_between_parts" if of_parts else "sealed_award_sessions"
            parameters["sessions"] = ids = fetch_column(conn, sessions, parameters)
            conn.execute(query("count_sealed_sessions"), parameters)
            for table, rows in _rows(of_parts=of_parts).items():
                conn.execute(_insert(table, rows), parameters)
            parts = fetch_all(conn, AwardSum, "sealed_awards_of_parts", parameters)
            sums = award_sums.total([*parts, *award_sums.of_sessions(conn, ids)])
            columns = zip(*sums, strict=True) if sums else ([],) * 4
            names = ("awards", "guids", "times", "bests")
            values = {name: list(column) for name, column in zip(names, columns, strict=True)}
            conn.execute(query("add_sealed_awards"), {**parameters, **values})
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


def _rows(*, of_parts: bool = False) -> Mapping[str, str]:
    """Return the queries of a period's rows by table: from rounds, or from those of its parts."""
    return {
        table: query_with_columns(f"{table}_of_parts" if of_parts else f"{table}_of_rounds")
        for table in ("sealed_players", "sealed_weapons", "sealed_maps", "sealed_sessions")
    }


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
        derived = {table: set(conn.execute(rows, parameters)) for table, rows in _rows().items()}
        awards = award_sums.total(award_sums.of_sessions(conn, ids))
        derived["sealed_awards"] = {(period.sealed_id, *award_sum) for award_sum in awards}
        counts = {
            table: len(expected ^ set(conn.execute(_stored_rows(table), parameters)))
            for table, expected in derived.items()
        }
        for table, count in {**counts, "sealed": int(len(ids) != period.sessions)}.items():
            if count:
                name = (f"{period.start:%Y-%m}", f"{period.start:%Y}", f"until {period.stop:%Y}")[period.level]
                found.append(SealedDifference(table=table, period=f"{period.server} {name}", rows=count))
    return found + _career_differences(conn)


def _career_differences(conn: Connection) -> list[SealedDifference]:
    stored = career_steps.sealed_careers(conn)
    if stored is None:
        return []
    parameters = {"sealed_id": stored.id, "since": None, "until": stored.stop}
    totals = query_with_columns("sealed_careers_of_rounds")
    pairs = {
        "sealed_careers": [
            {(guid, *values) for _, guid, values in conn.execute(statement, parameters)}
            for statement in (totals, _stored_rows("sealed_careers"))
        ],
        "sealed_steps": [
            {step[:4] for step in career_steps.all_reached(conn, None, stored.stop)},
            {row[1:] for row in conn.execute(_stored_rows("sealed_steps"), parameters)},
        ],
    }
    return [
        SealedDifference(table=table, period=f"until {stored.stop:%Y-%m-%d}", rows=len(derived ^ there))
        for table, (derived, there) in pairs.items()
        if derived != there
    ]


def _stored_rows(table: str) -> sql.Composed:
    return sql.SQL("SELECT * FROM {} WHERE sealed_id = %(sealed_id)s").format(sql.Identifier(table))


def _insert(table: str, rows: str) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ").format(sql.Identifier(table)) + sql.SQL(rows)
