"""What a run did: counted, with its exit code, and told to whoever watches it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from etstats.errors import AccessError, ConfigError, EtstatsError, ParseError, TemporaryError
from etstats.importer import Fate, Outcome

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

    fates: Counter[Fate] = field(default_factory=Counter)
    quarantined: list[Outcome] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """How many files each layer held back, at the last look."""
    missed: dict[tuple[str, str], str] = field(default_factory=dict)
    """Files that could not be had, by server and name, with the reason."""
    errors: list[EtstatsError] = field(default_factory=list)
    """What ended the part of a server, or the posting."""
    posted: str = ""

    def add(self, outcome: Outcome, server: str = "") -> None:
        """Count one file."""
        self.fates[outcome.fate] += 1
        self.missed.pop((server, outcome.filename), None)
        if outcome.fate is Fate.QUARANTINED:
            self.quarantined.append(outcome)

    @property
    def exit_code(self) -> int:
        """0; 3 when a file went into quarantine; the code of the worst error when there was one."""
        codes = {error.exit_code for error in self.errors}
        codes |= {TemporaryError.exit_code} if self.missed else set()
        codes |= {ParseError.exit_code} if self.quarantined else set()
        return next((code for code in _WORST_FIRST if code in codes), 0)

    def __str__(self) -> str:
        """One line: how many files met which fate."""
        counts = [f"{count:,} {fate}" for fate in Fate if (count := self.fates[fate])]
        counts += [f"{len(self.missed):,} not to be had"] if self.missed else []
        counts = counts or ["nothing new"]
        counts += [f"{count:,} skipped by {layer}" for layer, count in self.skipped.items() if count]
        return ", ".join(counts + ([self.posted] if self.posted else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """What a terminal wants to hear while a run goes on: files to come, and each file's outcome."""

    coming: Callable[[int], None] = lambda _: None
    seen: Callable[[Outcome], None] = lambda _: None


SILENT = Watcher()
