"""`--remind 24h`: a scheduled run repeats a problem only after this time, so cron mails it once a day.

Hashes of the messages are stored in the state folder. If the file cannot be read or written, all messages are
shown.
"""

import json
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

_FILE = "reminders.json"
_EARLY = 300.0  # seconds, because cron's minute is not exact


def refused_name(name: str) -> str:
    """Return the problem of a file whose name is refused."""
    return f"refused: {name}"


def not_fetched(server: str) -> str:
    """Return the problem of files that cannot be fetched."""
    return f"{server}: not fetched"


def quarantined(filename: str, reason: str) -> str:
    """Return the problem, and the message, of a file in quarantine."""
    return f"quarantined: {filename}: {reason}"


class Repeats:
    """Decides whether to repeat a message; messages that differ only in numbers, or in `etstats: `, are equal."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._path = folder / _FILE
        self._seconds = max(0.0, seconds - _EARLY)

    def is_due(self, message: str) -> bool:
        """Return whether the message was not written within the time, and record it as written."""
        import hashlib  # noqa: PLC0415  # OpenSSL

        key = hashlib.sha256(re.sub(r"\d+", "#", message.removeprefix("etstats: ")).encode()).hexdigest()[:32]
        now = time.time()
        said = {name: at for name, at in self._read().items() if now - self._seconds < at <= now}
        if key in said:
            return False
        self._write({**said, key: now})
        return True

    def touch(self) -> None:
        """Record a scheduled run now."""
        self._write(self._read())

    def _read(self) -> dict[str, float]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): float(at) for name, at in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def _write(self, said: dict[str, float]) -> None:
        new = self._path.with_suffix(".new")
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.write_text(json.dumps(said), encoding="utf-8")
            new.replace(self._path)


def last_scheduled_run(folder: Path) -> datetime | None:
    """Return the last start of a run with `--remind`; None: never."""
    try:
        return datetime.fromtimestamp((folder / _FILE).stat().st_mtime, UTC)
    except OSError:
        return None
