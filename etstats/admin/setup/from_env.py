"""Moving in: the settings of an existing bot, read from its `.env`."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from etstats.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What an `.env` says, in our words; None where it says nothing. `notes` is for the admin to read."""

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
    """Read SSH_*, REMOTE_STATS_PATH, POSTGRES_*, SESSION_GAP_MINUTES; other names are left alone.

    ConfigError: no such file, or a value that cannot be one.
    """
    from dotenv import dotenv_values

    if not path.is_file():
        raise ConfigError(f"--from-env {path}: no such file")
    try:
        found = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--from-env {path}: cannot be read: {error}") from error
    said = {name: value.strip() for name, value in found.items() if value and value.strip()}
    key = said.get("SSH_KEY_PATH")
    moved = Moved(
        host=said.get("SSH_HOST"),
        port=_whole(path, said, "SSH_PORT", 1, 65535),
        user=said.get("SSH_USER"),
        key_file=key,
        remote_path=said.get("REMOTE_STATS_PATH"),
        database_url=_database_url(path, said),
        gap_minutes=_whole(path, said, "SESSION_GAP_MINUTES", 1, 1440),
        lookback_hours=_whole(path, said, "SSH_STARTUP_LOOKBACK_HOURS", 1, 87600),
        notes=tuple(_notes(path, said)),
    )
    if moved.host is None and moved.database_url is None:
        raise ConfigError(f"--from-env {path}: neither SSH_HOST nor POSTGRES_HOST is in it; is it the right file?")
    return moved


def _whole(path: Path, said: dict[str, str], name: str, low: int, high: int) -> int | None:
    text = said.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
        raise ConfigError(f"--from-env {path}: {name} is {text!r}; a number from {low} to {high} is expected")
    return int(text)


def _database_url(path: Path, said: dict[str, str]) -> str | None:
    host = said.get("POSTGRES_HOST")
    if host is None:
        return None
    port = _whole(path, said, "POSTGRES_PORT", 1, 65535) or 5432
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
        notes.append("SSH_STRICT_HOST_KEY is off there. Here a host key is always checked: you are asked once.")
    if "POSTGRES_HOST" in said:
        notes.append(
            "The database of POSTGRES_* is used: etstats makes tables of its own in it. If the bot's tables are "
            "there under the same names, make a new database and give it with --database-url-file."
        )
    return notes
