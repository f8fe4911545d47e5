"""Run all checks: SQL checks of the stored rows, and comparison of the rows with the archive."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from etstats.db import migrations
from etstats.db.checks import ArchivedRound, Check, all_checks, archived_rounds, count_rounds, run_check
from etstats.db.connection import Connection
from etstats.domain.fields import BULLET_WEAPONS
from etstats.domain.rounds import Finding, Round, Severity
from etstats.domain.text import pluralize
from etstats.errors import ParseError
from etstats.parser.anomalies import Anomaly, find_anomalies
from etstats.parser.reader import parse
from etstats.parser.rounds import derive

_TENTH_OF_A_MINUTE = 6  # seconds

OTHER_CHECKS = (
    Check(
        name="value_impossible",
        severity=Severity.ERROR,
        description="A stored time is before 1970 or after 9000, or a number is not finite: the row was changed.",
    ),
    Check(
        name="archive_unreadable",
        severity=Severity.ERROR,
        description="The archived file of a round cannot be read.",
    ),
    Check(
        name="round_differs_from_archive",
        severity=Severity.ERROR,
        description="Players, weapons, kills or deaths of a round differ from its archived files.",
    ),
    Check(
        name="unreadable_value",
        severity=Severity.WARNING,
        description="A value is not a number that the game can write. It is stored as unknown; the round counts.",
    ),
    Check(
        name="map_missing",
        severity=Severity.WARNING,
        description="Without stopwatch: a player's counters include maps whose files were never imported.",
    ),
    Check(
        name="newer_layout",
        severity=Severity.WARNING,
        description="Lines have more fields than the newest known layout: the game server uses a newer script.",
    ),
    Check(
        name="kd_of_file_differs",
        severity=Severity.WARNING,
        description="The K/D in the file differs from kills / deaths.",
    ),
    Check(
        name="bullets_of_file_differ",
        severity=Severity.WARNING,
        description="The bullets fired in the file differ from the shots of its weapons.",
    ),
    Check(
        name="counter_reset",
        severity=Severity.WARNING,
        description="A player reconnected between the rounds: the line of round 2 was used without subtraction.",
    ),
    Check(
        name="counter_fell",
        severity=Severity.WARNING,
        description="A counter is lower than in round 1 without another sign of a reset; round 2 has 0.",
    ),
    Check(
        name="text_not_utf8",
        severity=Severity.WARNING,
        description="The file contains bytes that are not valid UTF-8; they were replaced.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The findings: errors first, then by check and time; with the number of rounds and the exit code."""

    findings: list[Finding]
    rounds: int

    @property
    def errors(self) -> list[Finding]:
        """Return the findings of severity error."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    @property
    def exit_code(self) -> int:
        """Return 3 if there is an error, else 0."""
        return 3 if self.errors else 0

    def __str__(self) -> str:
        """Return one line: the number of rounds, and of findings per check."""
        counts = Counter((finding.severity, finding.check) for finding in self.findings)
        parts = [f"{severity} {check} {count:,}" for (severity, check), count in counts.items()]
        return f"{pluralize(self.rounds, 'round')}: " + (", ".join(parts) or "no findings")


def checks() -> tuple[Check, ...]:
    """Return all checks, errors first."""
    both = (*all_checks(), *OTHER_CHECKS)
    return tuple(sorted(both, key=lambda check: (check.severity, check.name)))


def validate(
    conn: Connection,
    gap: timedelta,
    since: datetime | None = None,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Validation:
    """Run all checks on the rounds that ended since `since`.

    `gap` is the maximum gap inside a gaming session. `progress` is a progress callback (rounds done, all rounds).
    """
    parameters = {
        "bullet_weapons": sorted(BULLET_WEAPONS),
        "gap": gap,
        "tenth_of_a_minute": _TENTH_OF_A_MINUTE,
    }
    with conn.transaction():
        found = [finding for check in all_checks() for finding in run_check(conn, check, parameters, since)]
        if since is None:
            found += map(_impossible, migrations.impossible_values(conn))
        total = count_rounds(conn, since)
        for done, stored in enumerate(archived_rounds(conn, since), 1):
            found += _against_archive(stored)
            progress(done, total)
    # The sort is stable: each check stays in time order.
    ranked = sorted(found, key=lambda finding: (finding.severity, finding.check))
    return Validation(findings=ranked, rounds=total)


def _impossible(text: str) -> Finding:
    """Return the finding for a column and its value, such as `player_ratings.mu NaN`."""
    field, _, value = text.partition(" ")
    nowhere = (None, None, None, None, None)
    return Finding(Severity.ERROR, "value_impossible", *nowhere, field, value, "a time or number in range")


def _against_archive(stored: ArchivedRound) -> Iterator[Finding]:
    try:
        raw = parse(stored.filename, stored.content)
        round1 = None
        if stored.round1_filename is not None and stored.round1_content is not None:
            round1 = parse(stored.round1_filename, stored.round1_content)
    except ParseError as error:
        unreadable = Anomaly(
            check="archive_unreadable", field="content", value=str(error), expected="a complete round file"
        )
        yield _finding(stored, unreadable)
        return
    yield from _differences(stored, derive(raw, round1, stopwatch=stored.stopwatch))
    for anomaly in find_anomalies(raw, round1):
        yield _finding(stored, anomaly)


def _differences(stored: ArchivedRound, derived: Round) -> Iterator[Finding]:
    compared = {
        "players": (stored.players, len(derived.players)),
        "weapons": (stored.weapons, sum(len(player.weapons) for player in derived.players)),
        "kills": (stored.kills, sum(player.kills for player in derived.players)),
        "deaths": (stored.deaths, sum(player.deaths for player in derived.players)),
        "is_cumulative": (stored.is_cumulative, derived.is_cumulative),
    }
    for field, (value, expected) in compared.items():
        if value != expected:
            differs = Anomaly(
                check="round_differs_from_archive", field=field, value=str(value), expected=str(expected)
            )
            yield _finding(stored, differs)


def _finding(stored: ArchivedRound, anomaly: Anomaly) -> Finding:
    return Finding(
        severity=next(check.severity for check in OTHER_CHECKS if check.name == anomaly.check),
        check=anomaly.check,
        server=stored.server,
        filename=stored.filename,
        round_id=stored.round_id,
        player_guid=anomaly.guid,
        player_name=anomaly.name,
        field=anomaly.field,
        value=anomaly.value,
        expected=anomaly.expected,
    )
