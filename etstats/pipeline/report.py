"""What a run did: counted, with its exit code, and told to whoever watches it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from etstats.errors import AccessError, ConfigError, EtstatsError, ParseError, TemporaryError
from etstats.importer.importer import Importer, Incoming
from etstats.importer.outcome import ImportResult, ImportStatus
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
    """What became of each file of a run; owns the exit code."""

    statuses: Counter[ImportStatus] = field(default_factory=Counter)
    quarantined: list[ImportResult] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """How many files each layer held back, at the first listing."""
    missed: dict[tuple[str, str], str] = field(default_factory=dict)
    """Files that could not be had, by server and name, with the reason."""
    resting: dict[str, str] = field(default_factory=dict)
    """Servers that were not polled, because nobody plays there, with the time of the next poll."""
    errors: list[EtstatsError] = field(default_factory=list)
    """What ended the part of a server, or the posting."""
    posted: Counter[str] = field(default_factory=Counter)
    """Messages by what became of them."""
    post_lines: list[str] = field(default_factory=list)
    """What a person has to know of the posting."""
    post_code: int = 0

    def add(self, outcome: ImportResult, server: str = "") -> None:
        """Count one file."""
        self.statuses[outcome.status] += 1
        self.missed.pop((server, outcome.filename), None)
        if outcome.status is ImportStatus.QUARANTINED:
            self.quarantined.append(outcome)

    def add_posts(self, counts: Mapping[str, int], lines: Iterable[str], exit_code: int) -> None:
        """Count one round of posting; the last one's exit code counts, since it takes up what others left."""
        self.posted.update(counts)
        self.post_lines += [line for line in lines if line not in self.post_lines]
        self.post_code = exit_code

    @property
    def exit_code(self) -> int:
        """0; 3 when a file went into quarantine; the code of the worst error when there was one."""
        codes = {error.exit_code for error in self.errors}
        codes |= {TemporaryError.exit_code} if self.missed else set()
        codes |= {ParseError.exit_code} if self.quarantined else set()
        codes |= {self.post_code}
        return next((code for code in _WORST_FIRST if code in codes), 0)

    def __str__(self) -> str:
        """One line: how many files met which fate."""
        counts = [f"{count:,} {status}" for status in ImportStatus if (count := self.statuses[status])]
        counts += [f"{len(self.missed):,} not to be had"] if self.missed else []
        counts = counts or ["nothing new"]
        counts += [f"{count:,} skipped by {layer}" for layer, count in self.skipped.items() if count]
        return ", ".join(counts + [f"{count:,} {what}" for what, count in self.posted.items() if count])


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """What a terminal wants to hear while a run goes on: files to come, and each file's outcome."""

    coming: Callable[[int], None] = lambda _: None
    seen: Callable[[ImportResult], None] = lambda _: None


SILENT = Watcher()


def take_in(
    importer: Importer,
    server: str,
    files: Iterable[Incoming],
    *,
    report: Report,
    watcher: Watcher,
    fetch_ms: Mapping[str, float] | None = None,
) -> None:
    """Import files of one server; count, tell and log what became of each. Raises only when the database fails."""
    for outcome in importer.add_all(files):
        report.add(outcome, server)
        watcher.seen(outcome)
        event(
            outcome.status,
            server=server,
            file=outcome.filename,
            reason=outcome.reason or None,
            fetch_ms=(fetch_ms or {}).get(outcome.filename),
            parse_ms=round(outcome.parse_ms, 2),
            store_ms=round(outcome.store_ms, 2),
        )
