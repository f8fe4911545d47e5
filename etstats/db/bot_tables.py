"""Read players and teams from a Discord bot's database."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import psycopg

from etstats.db.connection import Connection, connect, database_errors
from etstats.db.queries import query

_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{24})?", re.ASCII)
_GUID_KEYS = ("player_guid", "et_guid", "guid")
_ACCOUNT_KEYS = ("discord_user_id", "discord_id", "user_id")
_NAME_KEYS = ("display_name",)
_DAY_KEYS = ("session_start_date", "session_date", "gaming_session_date", "date")


class BotTeam(NamedTuple):
    """A named team of one day, with the GUIDs of its players."""

    day: date
    name: str
    guids: frozenset[str]


class BotTables(NamedTuple):
    """Discord accounts and display names by GUID, and the named teams."""

    accounts: dict[str, int]
    names: dict[str, str]
    teams: list[BotTeam]


def read_bot_tables(url: str) -> BotTables:
    """Read the tables of a bot that exist and are readable; rows that cannot be parsed are skipped."""
    with database_errors(), connect(url, read_only=True) as conn:
        links, aliases, teams = (
            _rows(conn, text) for text in (query("bot_links"), query("bot_aliases"), query("bot_teams"))
        )
    accounts: dict[str, int] = {}
    names: dict[str, str] = {}
    for row in (*aliases, *links):
        guid, account, name = _guid(row), _first(row, _ACCOUNT_KEYS), _first(row, _NAME_KEYS)
        if guid and account and account.isascii() and account.isdecimal() and 0 < int(account[:20]) < 2**63:
            accounts[guid] = int(account)
        if guid and name:
            names[guid] = name
    return BotTables(accounts=accounts, names=names, teams=[team for row in teams if (team := _team(row))])


def _rows(conn: Connection, text: str) -> list[dict[str, Any]]:
    """Return the rows of a table; none when it does not exist or may not be read."""
    try:
        with conn.transaction():
            return [row for (row,) in conn.execute(text)]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return []


def _guid(row: Mapping[str, Any]) -> str:
    found = _first(row, _GUID_KEYS)
    return found[:8].upper() if _GUID.fullmatch(found) else ""


def _first(row: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((str(row[key]).strip() for key in keys if row.get(key)), "")


def _team(row: Mapping[str, Any]) -> BotTeam | None:
    guids = row.get("player_guids")
    name = _first(row, ("team_name",))
    try:
        day = date.fromisoformat(_first(row, _DAY_KEYS)[:10])
    except ValueError:
        return None
    if not name or not isinstance(guids, list):
        return None
    known = frozenset(str(guid)[:8].upper() for guid in guids if _GUID.fullmatch(str(guid)))
    return BotTeam(day=day, name=name, guids=known) if known else None
