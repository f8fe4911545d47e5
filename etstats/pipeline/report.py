"""The report of a run (counts, exit code) and the callbacks for its progress."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from etstats.domain.import_result import ImportResult, ImportStatus
from etstats.errors import AccessError, ConfigError, EtstatsError, ParseError, TemporaryError
from etstats.importer.importer import Importer, Incoming
from etstats.logs import event

_WORST_FIRST = (
    EtstatsError.exit_code,
    AccessError.exit_code,
    ConfigError.exit_code,
    TemporaryError.exit_code,
    ParseError.exit_code,
)


@dataclass(slots=True)
class Report:
    """The results of a run and its exit code."""

    statuses: Counter[ImportStatus] = field(default_factory=Counter)
    quarantined: list[ImportResult] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """The number of files that each check skipped at the first listing."""
    missed: dict[tuple[str, str], str] = field(default_factory=dict)
    """The reason of each failed fetch, by server and file name."""
    refused_names: dict[str, str] = field(default_factory=dict)
    """Names that end like a round file but are not accepted, with the reason."""
    misdated: dict[str, list[str]] = field(default_factory=dict)
    """Files, by server, whose mtime is on another day than the date in the name."""
    hints: list[str] = field(default_factory=list)
    """Hints to review settings."""
    renamed: dict[str, str] = field(default_factory=dict)
    """The former name of each server that was recognized by its files."""
    idle_servers: dict[str, str] = field(default_factory=dict)
    """Idle servers that were not polled, with the time of the next poll."""
    errors: list[EtstatsError] = field(default_factory=list)
    """Errors that ended the work for a server, or the publishing."""
    posted: Counter[str] = field(default_factory=Counter)
    """The number of messages by result."""
    post_lines: list[str] = field(default_factory=list)
    """Problems of the publishing that need an administrator."""
    post_code: int = 0
    live_code: int = 0

    def add(self, outcome: ImportResult, server: str = "") -> None:
        """Count one file."""
        self.statuses[outcome.status] += 1
        self.missed.pop((server, outcome.filename), None)
        if outcome.status is ImportStatus.QUARANTINED:
            self.quarantined.append(outcome)

    def refuse_names(self, reasons: Mapping[str, str]) -> None:
        """Add and log files whose names are not accepted, with the reasons."""
        self.refused_names |= reasons
        for name, reason in reasons.items():
            event("refused", level=logging.WARNING, file=name, reason=reason)

    def add_posts(self, counts: Mapping[str, int], lines: Iterable[str], exit_code: int) -> None:
        """Add the result of one publishing pass; its exit code replaces the earlier one."""
        self.posted.update(counts)
        self.post_lines += [line for line in lines if line not in self.post_lines]
        self.post_code = exit_code

    def add_live(self, counts: Mapping[str, int], lines: Iterable[str], exit_code: int) -> None:
        """Add the result of publishing the server status."""
        self.posted.update(counts)
        self.post_lines += [line for line in lines if line not in self.post_lines]
        self.live_code = exit_code

    @property
    def exit_code(self) -> int:
        """0; 3 if a file was quarantined or its name refused; if there were errors, the code of the worst."""
        codes = {error.exit_code for error in self.errors}
        codes |= {TemporaryError.exit_code} if self.missed else set()
        codes |= {ParseError.exit_code} if self.quarantined or self.refused_names else set()
        codes |= {self.post_code, self.live_code}
        return next((code for code in _WORST_FIRST if code in codes), 0)

    def __str__(self) -> str:
        """Return one line with the number of files per status."""
        counts = [f"{count:,} {status}" for status in ImportStatus if (count := self.statuses[status])]
        counts += [f"{len(self.missed):,} not fetched"] if self.missed else []
        counts += [f"{len(self.refused_names):,} refused by name"] if self.refused_names else []
        counts = counts or ["nothing imported" if self.errors else "nothing new"]
        counts += [f"{count:,} skipped by {layer}" for layer, count in self.skipped.items() if count]
        return ", ".join(counts + [f"{count:,} {what}" for what, count in self.posted.items() if count])


class Progress:
    """Progress callbacks of a run. Each method does nothing and may be overridden."""

    def waiting_for_lock(self, text: str) -> None:
        """The run waits for a lock of another run."""

    def started(self) -> None:
        """The run has its locks and connects to the servers next."""

    def files_expected(self, count: int) -> None:
        """`count` more files will be imported."""

    def file_imported(self, server: str, result: ImportResult) -> None:
        """A file was processed."""

    def connected(self, server: str, text: str) -> None:
        """A server was listed or reconnected."""

    def connection_lost(self, server: str, reason: str) -> None:
        """A connection to a server failed."""

    def fetch_failed(self, server: str, filename: str, reason: str) -> None:
        """A file could not be fetched."""

    def posted(self, lines: Iterable[str]) -> None:
        """Posts were sent or failed; one line each."""


SILENT = Progress()


def import_files(
    importer: Importer,
    server: str,
    files: Iterable[Incoming],
    *,
    report: Report,
    progress: Progress,
    fetch_ms: Mapping[str, float] | None = None,
) -> None:
    """Import files of one server; report and log each result. Raises only database errors."""
    for outcome in importer.add_all(files):
        report.add(outcome, server)
        progress.file_imported(server, outcome)
        event(
            outcome.status,
            level=logging.WARNING if outcome.status is ImportStatus.QUARANTINED else logging.INFO,
            server=server,
            file=outcome.filename,
            reason=outcome.reason or None,
            fetch_ms=(fetch_ms or {}).get(outcome.filename),
            parse_ms=round(outcome.parse_ms, 2),
            store_ms=round(outcome.store_ms, 2),
        )
