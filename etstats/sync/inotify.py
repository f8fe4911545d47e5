"""Word from the kernel that a file was finished in a folder of this machine, so that nobody has to look."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

_log = logging.getLogger(__name__)


@contextmanager
def folder_events(path: Path) -> Iterator[Event]:
    """Give an event that is set when a file in the folder is closed after writing, or moved into it.

    The waiting thread clears it. Where the kernel grants no watch it is never set, and polling continues.
    """
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    happened = Event()

    class _Setter(FileSystemEventHandler):
        def on_closed(self, event: FileSystemEvent) -> None:
            happened.set()

        def on_moved(self, event: FileSystemEvent) -> None:
            happened.set()

        def on_created(self, event: FileSystemEvent) -> None:
            happened.set()  # what is moved in from elsewhere shows as created

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
