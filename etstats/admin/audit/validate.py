"""Everything that is stored, doubted: the checks of the database, and the database against its archive."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from etstats.db.checks import ArchivedRound, Check, all_checks, archived_rounds, count_rounds, run_check
from etstats.db.connection import Connection, database_errors
from etstats.domain.rounds import Finding, Round, Severity
from etstats.domain.text import pluralize
from etstats.errors import ParseError
from etstats.parser.anomalies import Anomaly, doubts
from etstats.parser.fields import BULLET_WEAPONS
from etstats.parser.reader import parse
from etstats.parser.rounds import derive

_TENTH_OF_A_MINUTE = 6  # seconds

ARCHIVE_CHECKS = (
    Check(
        name="archive_unreadable",
        severity=Severity.ERROR,
        description="The archived file of a round cannot be read any more.",
    ),
    Check(
        name="round_differs_from_archive",
        severity=Severity.ERROR,
        description="Players, weapons, kills or deaths of a round are not those of its archived files.",
    ),
    Check(
        name="unreadable_value",
        severity=Severity.WARNING,
        description="A value of a file is not a number the game can write. It is unknown; the round counts.",
    ),
    Check(
        name="newer_layout",
        severity=Severity.WARNING,
        description="Lines have more fields than the newest known layout: the game server's script is newer.",
    ),
    Check(
        name="kd_of_file_differs",
        severity=Severity.WARNING,
        description="The file's own K/D is not its kills over its deaths.",
    ),
    Check(
        name="bullets_of_file_differ",
        severity=Severity.WARNING,
        description="The file's bullets fired are not the shots of its weapons.",
    ),
    Check(
        name="counter_reset",
        severity=Severity.WARNING,
        description="A player reconnected between the rounds: round 2's line was taken whole.",
    ),
    Check(
        name="counter_fell",
        severity=Severity.WARNING,
        description="A counter is lower than in round 1 without any other sign of a reset; round 2 alone has 0.",
    ),
    Check(
        name="text_not_utf8",
        severity=Severity.WARNING,
        description="The file holds bytes that are not UTF-8; they were replaced.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What was found in that many rounds: errors first, then by check and by time; owns the exit code."""

    findings: list[Finding]
    rounds: int

    @property
    def errors(self) -> list[Finding]:
        """The findings that must not be."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    @property
    def exit_code(self) -> int:
        """3 when there is an error; warnings are not a failure."""
        return 3 if self.errors else 0

    def __str__(self) -> str:
        """One line: how many rounds, and how many findings of which check."""
        counts = Counter((finding.severity, finding.check) for finding in self.findings)
        told = [f"{severity} {check} {count:,}" for (severity, check), count in counts.items()]
        return f"{pluralize(self.rounds, 'round')}: " + (", ".join(told) or "no findings")


def checks() -> tuple[Check, ...]:
    """Every check that `validate` makes, errors first."""
    both = (*all_checks(), *ARCHIVE_CHECKS)
    return tuple(sorted(both, key=lambda check: (check.severity, check.name)))


def validate(
    conn: Connection,
    gap: timedelta,
    since: datetime | None = None,
    *,
    seen: Callable[[int, int], None] = lambda _done, _total: None,
) -> Validation:
    """Make all checks over the rounds that ended since then.

    `gap` is the longest one inside a gaming session. `seen` hears how many rounds of how many are done.
    """
    parameters = {
        "bullet_weapons": sorted(BULLET_WEAPONS),
        "gap": gap,
        "tenth_of_a_minute": _TENTH_OF_A_MINUTE,
    }
    with database_errors(), conn.transaction():
        found = [f for check in all_checks() for f in run_check(conn, check, parameters, since)]
        total = count_rounds(conn, since)
        for done, stored in enumerate(archived_rounds(conn, since), 1):
            found += _against_archive(stored)
            seen(done, total)
    # The sort is stable: within a check the order in time stays.
    ranked = sorted(found, key=lambda finding: (finding.severity, finding.check))
    return Validation(findings=ranked, rounds=total)


def _against_archive(stored: ArchivedRound) -> Iterator[Finding]:
    try:
        raw = parse(stored.filename, stored.content)
        round1 = None
        if stored.round1_filename is not None and stored.round1_content is not None:
            round1 = parse(stored.round1_filename, stored.round1_content)
    except ParseError as error:
        unreadable = Anomaly(
            check="archive_unreadable", field="content", value=str(error), expected="a whole round file"
        )
        yield _finding(stored, unreadable)
        return
    yield from _differences(stored, derive(raw, round1))
    for doubt in doubts(raw, round1):
        yield _finding(stored, doubt)


def _differences(stored: ArchivedRound, derived: Round) -> Iterator[Finding]:
    compared = {
        "players": (stored.players, len(derived.players)),
        "weapons": (stored.weapons, sum(len(p.weapons) for p in derived.players)),
        "kills": (stored.kills, sum(p.kills for p in derived.players)),
        "deaths": (stored.deaths, sum(p.deaths for p in derived.players)),
        "is_cumulative": (stored.is_cumulative, derived.is_cumulative),
    }
    for field, (value, expected) in compared.items():
        if value != expected:
            differs = Anomaly(
                check="round_differs_from_archive", field=field, value=str(value), expected=str(expected)
            )
            yield _finding(stored, differs)


def _finding(stored: ArchivedRound, doubt: Anomaly) -> Finding:
    return Finding(
        severity=next(c.severity for c in ARCHIVE_CHECKS if c.name == doubt.check),
        check=doubt.check,
        server=stored.server,
        filename=stored.filename,
        round_id=stored.round_id,
        player_guid=doubt.guid,
        player_name=doubt.name,
        field=doubt.field,
        value=doubt.value,
        expected=doubt.expected,
    )
