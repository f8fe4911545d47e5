"""File events (inotify) of a local folder, which replace waiting for the next poll."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

_log = logging.getLogger(__name__)


@contextmanager
def folder_events(path: Path) -> Iterator[Event]:
    """Yield an event that is set when a file in the folder is closed after writing, or moved into it.

    The waiting thread clears it. If inotify is unavailable, the event is never set and only polling finds files.
    """

    happened = Event()

    class _Setter(FileSystemEventHandler):
        def on_closed(self, event: FileSystemEvent) -> None:
            happened.set()

        def on_moved(self, event: FileSystemEvent) -> None:
            happened.set()

        def on_created(self, event: FileSystemEvent) -> None:
            happened.set()  # a file moved in from another folder is reported as created

    observer = Observer()
    try:
        observer.schedule(_Setter(), str(path.expanduser()), recursive=False)
        observer.start()
    except OSError as error:
        _log.warning("no file events for %s: %s", path, error.strerror or error)
        yield happened
        return
    try:
        yield happened
    finally:
        observer.stop()
        observer.join()
