"""Check the formats of settings; each function raises InvalidValueError.

The messages about addresses do not contain the value, because it may contain a password.
"""

import re
from zoneinfo import ZoneInfo

from etstats.errors import InvalidValueError

_SCHEMA_NAME = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}", re.ASCII)
_DATABASE = re.compile(r"postgres(ql)?://|\s*\w+\s*=", re.ASCII | re.IGNORECASE)
_HTTP = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)


def check_server_name(name: str) -> None:
    """Refuse a name that cannot be the name of a folder."""
    if not name or name != name.strip() or "/" in name or name.startswith(".") or not name.isprintable():
        raise InvalidValueError(
            f'invalid server name "{name}": a folder is named after it; use letters and digits'
        )


def check_time_zone(name: str) -> None:
    """Refuse a name that is not in the time zone database."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidValueError(f'invalid time zone "{name}"; expected a name such as Europe/Ljubljana') from error


def check_schema_name(name: str) -> None:
    """Refuse a name that PostgreSQL accepts only in quotes, or not at all."""
    if not _SCHEMA_NAME.fullmatch(name):
        raise InvalidValueError(
            f'invalid schema name "{name}"; expected up to 63 of a-z, 0-9 and _, such as etstats'
        )


def check_database_url(url: str) -> None:
    """Refuse what is neither a URL nor the keywords of a connection string."""
    if not _DATABASE.match(url):
        raise InvalidValueError("not a PostgreSQL URL; expected postgresql://user:password@host:5432/database")


def check_web_url(url: str) -> None:
    """Refuse what is not an http or https URL."""
    if not _HTTP.fullmatch(url):
        raise InvalidValueError("not a web address; expected one such as https://hc-ping.com/ID")


def check_username(name: str) -> None:
    """Refuse a username with which Discord would refuse every message."""
    if not 1 <= len(name.strip()) <= 80 or re.search("discord|clyde", name, re.IGNORECASE):
        raise InvalidValueError(
            f'invalid username "{name}"; expected 1 to 80 characters, without "discord" or "clyde"'
        )


def check_thread_id(text: str) -> None:
    """Refuse what is not a Discord id."""
    if not (text.isascii() and text.isdecimal()):
        raise InvalidValueError(f'invalid thread id "{text}"; expected a number, from Discord\'s "Copy Thread ID"')
