"""The log: one line an event, as text or JSON, rotated, in a private folder, with no secret in it.

    logs.configure(config.log, config.state_dir, secrets, verbosity)     # once, by the command line
    logs.event("imported", file=name, fetch_ms=3.1, parse_ms=0.8, store_ms=4.2)

A log that cannot be written never stops a run.
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
    """Write down that something happened; times end in `_ms` and are milliseconds."""
    _ROOT.log(level, "%s", name, extra={_FIELDS: fields})


def path_of(settings: LogConfig, state_dir: Path) -> Path:
    """Where the log is."""
    return Path(settings.path).expanduser() if settings.path else state_dir / FILE_NAME


def configure(settings: LogConfig, state_dir: Path, secrets: Iterable[str], verbosity: int) -> str | None:
    """Open the log, and with `verbosity` 1 say every step on stderr; returns why there is no log, or None.

    May be called again: the last call counts.
    """
    for name in _LIBRARIES:
        # Their DEBUG lines hold addresses with tokens, and their INFO says nothing that ours do not.
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    for handler in list(_ROOT.handlers):
        _ROOT.removeHandler(handler)
        handler.close()
    hidden = _spellings(secrets)
    level = logging.getLevelName(settings.level.upper())
    _ROOT.propagate = False
    _ROOT.setLevel(logging.DEBUG if verbosity > 0 else level)
    if verbosity > 0:
        talk = logging.StreamHandler(sys.stderr)
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
    """Return the text without any of these secrets, nor a password or token that stands in one of them."""
    return _without(text, _spellings(secrets))


class _RotatingFile(RotatingFileHandler):
    """The library's rotation, made safe for several processes that write to one log."""

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=max(backups, 1), encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def doRollover(self) -> None:  # noqa: N802  # the library's name
        """Rotate, unless another process was quicker: then go on in the file it has begun."""
        with open(f"{self.baseFilename}.lock", "a", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.stream is not None and _is_current(self.stream, self.baseFilename):
                super().doRollover()
                return
            if self.stream is not None:
                self.stream.close()
            self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        """Say nothing: a full disk must not stop a run, nor mail a traceback each minute."""


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _is_current(stream: TextIO, path: str) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))  # noqa: PTH116  # beside fstat
    return False


class _Formatter(logging.Formatter):
    """What both formats share: the secrets are taken out last, so that no way in is forgotten."""

    def __init__(self, hidden: tuple[str, ...]) -> None:
        super().__init__()
        self._hidden = hidden

    def _parts(self, record: logging.LogRecord) -> dict[str, Value]:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        given: dict[str, Value] = getattr(record, _FIELDS, {})
        parts: dict[str, Value] = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        if record.name != _ROOT.name:
            parts["room"] = record.name
        parts |= {key: _rounded(value) for key, value in given.items() if value is not None}
        if record.exc_info:
            parts["traceback"] = self.formatException(record.exc_info)
        return {k: _without(v, self._hidden) if isinstance(v, str) else v for k, v in parts.items()}


class _JsonFormatter(_Formatter):
    """One object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self._parts(record), ensure_ascii=False)


class _TextFormatter(_Formatter):
    """`moment level event key=value ...`, for people and grep; one event is one line, whatever a name holds."""

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
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _quoted(value: Value) -> str:
    text = _one_line(value)
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) and (" " in text or not text) else text


def _spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """Every secret, and the password and last part of the path of those that are addresses; longest first."""
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
