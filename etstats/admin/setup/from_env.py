"""Read the settings of an existing bot from its `.env` file."""

from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from urllib.parse import quote

from dotenv import dotenv_values

from etstats.errors import ConfigError
from etstats.sync.regular_file import read_regular


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Settings converted from an `.env` file; None if absent. `notes` are messages for the admin."""

    host: str | None = None
    port: int | None = None
    user: str | None = None
    key_file: str | None = None
    remote_path: str | None = None
    database_url: str | None = field(default=None, repr=False)
    gap_minutes: int | None = None
    lookback_hours: int | None = None
    notes: tuple[str, ...] = ()


def read_env(path: Path) -> Moved:
    """Read SSH_*, REMOTE_STATS_PATH, POSTGRES_*, SESSION_GAP_MINUTES; other names are ignored.

    ConfigError: no such file, or an invalid value.
    """

    try:
        found = dotenv_values(stream=StringIO(read_regular(path).decode()), interpolate=False)
    except FileNotFoundError:
        raise ConfigError(f"--from-env {path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"--from-env {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"--from-env {path}: cannot be read: {error}") from error
    said = {name: value.strip() for name, value in found.items() if value and value.strip()}
    key = said.get("SSH_KEY_PATH")
    moved = Moved(
        host=said.get("SSH_HOST"),
        port=_whole(path, said, "SSH_PORT", 65535),
        user=said.get("SSH_USER"),
        key_file=key,
        remote_path=said.get("REMOTE_STATS_PATH"),
        database_url=_database_url(path, said),
        gap_minutes=_whole(path, said, "SESSION_GAP_MINUTES", 1440),
        lookback_hours=_whole(path, said, "SSH_STARTUP_LOOKBACK_HOURS", 87600),
        notes=tuple(_notes(path, said)),
    )
    if moved.host is None and moved.database_url is None:
        raise ConfigError(
            f"--from-env {path}: it contains neither SSH_HOST nor POSTGRES_HOST; is it the right file?"
        )
    return moved


def _whole(path: Path, said: dict[str, str], name: str, high: int) -> int | None:
    text = said.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= high):
        raise ConfigError(f"--from-env {path}: {name} is {text!r}; expected a number from 1 to {high}")
    return int(text)


def _database_url(path: Path, said: dict[str, str]) -> str | None:
    host = said.get("POSTGRES_HOST")
    if host is None:
        return None
    port = _whole(path, said, "POSTGRES_PORT", 65535) or 5432
    user, password = said.get("POSTGRES_USER"), said.get("POSTGRES_PASSWORD")
    login = quote(user, safe="") if user else ""
    login += f":{quote(password, safe='')}" if login and password else ""
    shown_host = f"[{host}]" if ":" in host else quote(host, safe=".-")
    name = quote(said.get("POSTGRES_DATABASE") or user or "postgres", safe="")
    return f"postgresql://{login}{'@' if login else ''}{shown_host}:{port}/{name}"


def _notes(path: Path, said: dict[str, str]) -> list[str]:
    notes: list[str] = []
    strict = said.get("SSH_STRICT_HOST_KEY", "true").lower()
    if strict in {"false", "0", "no", "off"}:
        notes.append("SSH_STRICT_HOST_KEY is off; etstats always checks host keys and asks you once")
    secrets = [name for name in said if "PASSWORD" in name or "TOKEN" in name]
    if secrets and path.stat().st_mode & 0o044:
        notes.append(f"contains {secrets[0]}, and other users can read it; run: chmod 600 {path}")
    if "POSTGRES_HOST" in said:
        notes.append(
            "the database of POSTGRES_* is used; if it has the bot's tables, add --schema etstats or --embedded"
        )
    return notes
