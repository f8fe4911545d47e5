"""Progress output of a run: a progress bar, or a line for each change, import and post."""

from collections import Counter
from collections.abc import Callable, Iterable

from etstats.domain.import_result import ImportResult, ImportStatus
from etstats.pipeline.report import Progress

_MANY = 20
"""More files than this are reported in one line."""


class ProgressBar(Progress):
    """Updates a progress bar with (done, total) files; `say` reports a wait for another run."""

    def __init__(self, move: Callable[[int, int], None], say: Callable[[str], None]) -> None:
        self._move = move
        self._say = say
        self._done = self._total = 0

    def waiting_for_lock(self, text: str) -> None:
        """Report a wait."""
        self._say(text)

    def files_expected(self, count: int) -> None:
        """Count the files that will come."""
        self._total += count
        self._move(self._done, self._total)

    def file_imported(self, server: str, result: ImportResult) -> None:
        """Update the bar."""
        self._done += 1
        self._move(self._done, self._total)


class ProgressLines(Progress):
    """Prints a line for each change of state, each file and each post; with `quiet` only problems.

    It stores the states, so one instance is used for all runs of a `watch`.
    """

    def __init__(self, say: Callable[[str], None], greeting: str, *, quiet: bool) -> None:
        self._say = say
        self._greeting = greeting
        self._quiet = quiet
        self._states: dict[str, str] = {}
        self._left = 0
        self._counts: Counter[ImportStatus] = Counter()
        self._are_many = False

    def waiting_for_lock(self, text: str) -> None:
        """Report a wait."""
        self._tell(text)

    def started(self) -> None:
        """Print the greeting at the first run, and after an interruption."""
        if self._enter("", "running"):
            self._tell(self._greeting)

    def interrupted(self, reason: str, *, is_wrong: bool = True) -> None:
        """Report that the run ended and will be retried."""
        if self._enter("", reason if is_wrong else "waiting"):
            self._tell(f"etstats: {reason}", is_wrong=is_wrong)

    def files_expected(self, count: int) -> None:
        """Count the files that will come."""
        self._left += count
        self._are_many |= self._left > _MANY

    def file_imported(self, server: str, result: ImportResult) -> None:
        """Report the result of a file, or one summary for many files."""
        self._left -= 1
        self._counts[result.status] += 1
        if result.status is ImportStatus.QUARANTINED:
            self._tell(f"{server}: quarantined: {result.filename}: {result.reason}", is_wrong=True)
        elif not self._are_many:
            self._tell(f"{server}: {result.status} {result.filename}")
        if self._left <= 0:
            if self._are_many:
                self._tell(
                    f"{server}: " + ", ".join(f"{count:,} {status}" for status, count in self._counts.items())
                )
            self._left, self._are_many = 0, False
            self._counts.clear()

    def connected(self, server: str, text: str) -> None:
        """Report a connected server, once."""
        if self._enter(server, "connected"):
            self._tell(f"{server}: {text}")

    def connection_lost(self, server: str, reason: str) -> None:
        """Report a lost connection, once."""
        if self._enter(server, "lost"):
            self._tell(f"etstats: {reason}" if server in reason else f"etstats: {server}: {reason}", is_wrong=True)

    def fetch_failed(self, server: str, filename: str, reason: str) -> None:
        """Report a file that could not be fetched."""
        self._tell(f"{server}: not fetched: {filename}: {reason}", is_wrong=True)

    def posted(self, lines: Iterable[str]) -> None:
        """Print the lines."""
        for line in lines:
            self._tell(line, is_wrong=not line.startswith("posted "))

    def _enter(self, subject: str, state: str) -> bool:
        is_new = self._states.get(subject) != state
        self._states[subject] = state
        return is_new

    def _tell(self, text: str, *, is_wrong: bool = False) -> None:
        if is_wrong or not self._quiet:
            self._say(text)
