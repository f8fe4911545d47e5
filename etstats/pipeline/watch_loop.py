"""Run sync repeatedly in one process instead of cron; retry after temporary errors."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Protocol

from etstats.domain.backoff import delay, jittered
from etstats.errors import AccessError, ConfigError, EtstatsError, LockedError
from etstats.logs import event

LONGEST_RUN = 300.0  # seconds; between two runs, other commands get the lock and pending posts are sent
_LONGEST_PAUSE = 60.0


class InterruptionNotice(Protocol):
    """A callback with the reason why a run ended; `is_wrong` is False if another run is using the database."""

    def __call__(self, reason: str, *, is_wrong: bool = True) -> None:
        """Print the reason if it changed."""


def watch(
    run: Callable[[], EtstatsError | None], stop: Event, *, notice: InterruptionNotice
) -> EtstatsError | None:
    """Call `run` repeatedly until `stop` is set; after failures, wait 1, 2, 4 ... 60 seconds.

    `run` raises the error that ended it, or returns a server's error that it has already reported; None: its time
    was over, and it is called again at once. Until a first run has succeeded, a ConfigError or a refusal ends the
    loop: it is raised, or returned if it was already reported.
    """
    failures, has_worked = 0, False
    while not stop.is_set():
        try:
            ended = run()
            if ended is not None and not has_worked and _needs_person(ended):
                return ended
        except LockedError as error:
            ended = error
            notice("waiting for another etstats run on this database to end", is_wrong=False)
        except EtstatsError as error:
            if not has_worked and _needs_person(error):
                raise
            ended = error
            reason = str(error).removesuffix("; run the command again.").rstrip(".")
            notice(f"{reason}; trying again")
        if ended is None:
            failures, has_worked = 0, True
            continue
        pause = delay(failures, first=1.0, longest=_LONGEST_PAUSE)
        event("watch interrupted", level=logging.WARNING, reason=str(ended), pause_s=round(pause))
        stop.wait(jittered(pause))
        failures += 1
    return None


def _needs_person(error: EtstatsError) -> bool:
    return error.exit_code in {ConfigError.exit_code, EtstatsError.exit_code, AccessError.exit_code}


class Stop(Event):
    """An event that also sets the event of the active run."""

    _of_run: Event | None = None

    def set(self) -> None:
        """Set this event and that of the active run."""
        super().set()
        if self._of_run is not None:
            self._of_run.set()

    def for_run(self) -> Event:
        """Return a new event for one run, which the run may set when it ends."""
        self._of_run = Event()
        if self.is_set():
            self._of_run.set()
        return self._of_run


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """Yield an event that SIGTERM and SIGINT set; a second signal ends the process as usual."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def ask_to_stop(number: int, _frame: object) -> None:
        event("asked to stop", signal=signal.Signals(number).name)
        for one, handler in before.items():
            signal.signal(one, handler)
        # An event set inside a handler may wait for the very lock that the interrupted code holds.
        Thread(target=stop.set).start()

    for number in before:
        signal.signal(number, ask_to_stop)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
