"""Anonymize the local copies of files, also those that another machine wrote before a `forget`."""

import os
import shutil
import tempfile
from pathlib import Path

from etstats.errors import TemporaryError
from etstats.importer.anonymize import Pseudonyms
from etstats.sync.local_copies import PARTIAL

_STAMP = ".anonymized"  # a file in the folder of the copies: the `Pseudonyms.version` that they were rewritten for


def are_copies_current(pseudonyms: Pseudonyms, root: Path) -> bool:
    """Return whether the local copies below `root` contain no anonymized player."""
    return not root.is_dir() or _stamp_of(root) == pseudonyms.version


def update_copies(pseudonyms: Pseudonyms, root: Path) -> int:
    """Anonymize the local copies below `root`, unless done since the last `forget`; return the number changed.

    The version file is written after the last copy. So after a killed `forget` or an interrupted run, or on
    another machine, the next run that uses the folder completes the work. All servers' folders are included, also
    of servers no longer configured. A copy keeps its times. Raises TemporaryError if a copy cannot be rewritten.
    """
    if are_copies_current(pseudonyms, root):
        return 0
    changed = 0
    path = root
    try:
        for path in sorted(root.rglob("*")):
            if path.is_symlink() or not path.is_file() or path == root / _STAMP:
                continue
            if path.name.endswith(PARTIAL):
                path.unlink(missing_ok=True)  # left by a killed run
                continue
            content = path.read_bytes()
            rewritten = pseudonyms.applied(content)
            if rewritten != content:
                _replace(path, rewritten, keep_times=True)
                changed += 1
        _replace(root / _STAMP, f"{pseudonyms.version}\n".encode(), keep_times=False)
    except OSError as error:
        raise TemporaryError(
            f"cannot anonymize the local copy {path} ({error.strerror or error}); "
            "make it writable or remove it, then run the command again"
        ) from error
    return changed


def _stamp_of(root: Path) -> str:
    try:
        return (root / _STAMP).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _replace(path: Path, content: bytes, *, keep_times: bool) -> None:
    """Replace a file atomically, with fsync; on an error, the partial file is removed."""
    number, partial = tempfile.mkstemp(suffix=PARTIAL, dir=path.parent)
    try:
        with os.fdopen(number, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(number)
        if keep_times:
            shutil.copystat(path, partial)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
