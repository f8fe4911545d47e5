"""The log: one line per event, as text or JSON, rotated, in a private folder, without secrets.

    logs.configure(config.log, config.state_dir, secrets, verbosity)     # once, by the command line
    logs.event("imported", file=name, fetch_ms=3.1, parse_ms=0.8, store_ms=4.2)

A run continues if the log cannot be written.
"""

import fcntl
import json
import logging
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO
from urllib.parse import unquote, urlsplit

FILE_NAME = "etstats.log"
_ROOT = logging.getLogger("etstats")
_LIBRARIES = ("paramiko", "urllib3", "requests", "PIL", "watchdog")
_FIELDS = "etstats_fields"

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """The log in the state folder."""

    format: str = field(default="text", metadata={"choices": ("text", "json")})
    level: str = field(default="info", metadata={"choices": ("debug", "info", "warning", "error")})
    path: str | None = None
    max_bytes: int = field(default=5_000_000, metadata={"min": 10_000, "max": 1_000_000_000})
    backups: int = field(default=5, metadata={"min": 0, "max": 100})


def event(name: str, *, level: int = logging.INFO, **fields: Value) -> None:
    """Log an event; keys that end in `_ms` are milliseconds."""
    _ROOT.log(level, "%s", name, extra={_FIELDS: fields})


def path_of(settings: LogConfig, state_dir: Path) -> Path:
    """Return the path of the log."""
    return Path(settings.path).expanduser() if settings.path else state_dir / FILE_NAME


def configure(settings: LogConfig, state_dir: Path, secrets: Iterable[str], verbosity: int) -> str | None:
    """Open the log, and with `verbosity` 1 write events to stderr too; return why there is no log, or None.

    May be called again; the last call applies.
    """
    for name in _LIBRARIES:
        # Their DEBUG lines contain URLs with tokens, and their INFO lines add nothing to ours.
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    for handler in list(_ROOT.handlers):
        _ROOT.removeHandler(handler)
        handler.close()
    hidden = _spellings(secrets)
    level = logging.getLevelName(settings.level.upper())
    _ROOT.propagate = False
    _ROOT.setLevel(min(level, logging.INFO) if verbosity > 0 else level)
    if verbosity > 0:
        talk = _Talk()
        talk.setLevel(logging.INFO)  # DEBUG logs a line for each file of a listing
        talk.setFormatter(_TextFormatter(hidden))
        _ROOT.addHandler(talk)
    path = path_of(settings, state_dir)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return _no_log(path, error.strerror)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return _no_log(path, "no permission, or read-only")
    handler = _RotatingFile(path, settings.max_bytes, settings.backups)
    handler.setLevel(level)
    handler.setFormatter(_JsonFormatter(hidden) if settings.format == "json" else _TextFormatter(hidden))
    _ROOT.addHandler(handler)
    return None


def _no_log(path: Path, reason: str | None) -> str:
    return f"there is no log: {path} cannot be written ({reason}); set [log] path, or make it writable"


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return the text without these secrets, and without passwords and tokens contained in them."""
    return _without(text, _spellings(secrets))


class _RotatingFile(RotatingFileHandler):
    """Log rotation that is safe for several processes that write to one log."""

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=max(backups, 1), encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        # Do not wait for a reader if it is a named pipe.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(self.baseFilename, flags, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def doRollover(self) -> None:  # noqa: N802  # the library's name
        """Rotate, or continue in the new file if another process has rotated."""
        with open(f"{self.baseFilename}.lock", "a", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.stream is not None and _is_current(self.stream, self.baseFilename):
                super().doRollover()
                return
            if self.stream is not None:
                self.stream.close()
            self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        """Ignore errors: a full disk must not stop a run, or mail a traceback each minute."""


class _Talk(logging.Handler):
    """Writes to the current sys.stderr, so that a progress bar stays below the lines."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError, ValueError):
            print(self.format(record), file=sys.stderr, flush=True)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _is_current(stream: TextIO, path: str) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))  # noqa: PTH116  # like fstat
    return False


class _Formatter(logging.Formatter):
    """Base of both formats: secrets are removed last, from the complete line."""

    def __init__(self, hidden: tuple[str, ...]) -> None:
        super().__init__()
        self._hidden = hidden

    def _parts(self, record: logging.LogRecord) -> dict[str, Value]:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        given: dict[str, Value] = getattr(record, _FIELDS, {})
        parts: dict[str, Value] = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        if record.name != _ROOT.name:
            parts["logger"] = record.name
        parts |= {key: _rounded(value) for key, value in given.items() if value is not None}
        if record.exc_info:
            parts["traceback"] = self.formatException(record.exc_info)
        return {
            key: _without(value, self._hidden) if isinstance(value, str) else value for key, value in parts.items()
        }


class _JsonFormatter(_Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self._parts(record), ensure_ascii=False)


class _TextFormatter(_Formatter):
    """`time level event key=value ...`; one event is one line, regardless of the values."""

    def format(self, record: logging.LogRecord) -> str:
        parts = self._parts(record)
        head = " ".join(_one_line(parts.pop(key)) for key in ("at", "level", "event"))
        trace = str(parts.pop("traceback", ""))
        tail = "".join(f" {key}={_quoted(value)}" for key, value in parts.items())
        return head + tail + (f"\n{trace}" if trace else "")


def _rounded(value: Value) -> Value:
    return round(value, 1) if isinstance(value, float) else value


def _one_line(value: Value) -> str:
    text = str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _quoted(value: Value) -> str:
    text = _one_line(value)
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) and (" " in text or not text) else text


def _spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return the secrets, and of URLs the password and the last part of the path, longest first."""
    found: set[str] = set()
    for secret in secrets:
        found.add(secret)
        with suppress(ValueError):
            parts = urlsplit(secret)
            if parts.scheme and parts.netloc:
                found |= {parts.password or "", unquote(parts.password or "")}
                if parts.scheme.startswith("http"):
                    found.add(parts.path.rstrip("/").rpartition("/")[2])
    return tuple(sorted((text for text in found if text), key=len, reverse=True))


def _without(text: str, hidden: tuple[str, ...]) -> str:
    for secret in hidden:
        text = text.replace(secret, "***")
    return text
