"""One long process instead of cron: run after run until told to stop, through everything that passes."""

import logging
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from etstats.errors import ConfigError, EtstatsError, LockedError
from etstats.logs import event

LONGEST_RUN = 300.0  # seconds; between two runs others may have the database, and what is due is posted
_LONGEST_PAUSE = 60.0


def watch(run: Callable[[], EtstatsError | None], stop: Event, *, tell: Callable[[str], None]) -> None:
    """Call `run` again and again until `stop` is set; between failures it waits 1, 2, 4 ... 60 seconds.

    `run` works for as long as all is well, and returns or raises what ended it; None: its time was over, and it is
    called again at once. The first ConfigError or refusal is raised when nothing has worked yet, because then a
    person is looking on. Each trouble is told once, when it begins and when it is over.
    """
    pause, has_worked, trouble = 1.0, False, ""
    while not stop.is_set():
        try:
            ended = run()
        except EtstatsError as error:
            ended = error
        if ended is None:
            pause, has_worked = 1.0, True
            if trouble:
                tell("it works again")
            trouble = ""
            continue
        if not has_worked and ended.exit_code in {ConfigError.exit_code, 1, 4}:
            raise ended
        event("watch interrupted", level=logging.WARNING, reason=str(ended), pause_s=round(pause))
        if type(ended).__name__ != trouble and not isinstance(ended, LockedError):
            tell(f"{ended}; trying again")
        trouble = type(ended).__name__
        stop.wait(pause * random.uniform(0.8, 1.0))  # noqa: S311  # jitter, not a secret
        pause = min(2 * pause, _LONGEST_PAUSE)


class Stop(Event):
    """An event that also sets the event of the active run."""

    _of_run: Event | None = None

    def set(self) -> None:
        """Ask everyone to stop."""
        super().set()
        if self._of_run is not None:
            self._of_run.set()

    def for_run(self) -> Event:
        """Make an event for one run, which may set it for itself when it ends."""
        self._of_run = Event()
        if self.is_set():
            self._of_run.set()
        return self._of_run


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """Give an event that SIGTERM and SIGINT set; a second signal ends the process in the usual way."""
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
