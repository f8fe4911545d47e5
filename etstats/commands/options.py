"""Options that many commands share, under one name and with one help text each, and what they mean together."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from etstats.commands import completion
from etstats.commands.context import context_of
from etstats.config.loader import environment
from etstats.config.schema import Config
from etstats.errors import ConfigError, NotFoundError
from etstats.output import Format

if TYPE_CHECKING:
    from etstats.db.connection import Connection
    from etstats.db.scope import Scope
    from etstats.domain.rules import name_matching

JSON = Annotated[bool, typer.Option("--json", help="One JSON document; empty is [].", rich_help_panel="Output")]
CSV = Annotated[bool, typer.Option("--csv", help="Comma-separated values.", rich_help_panel="Output")]
MARKDOWN = Annotated[bool, typer.Option("--markdown", help="A Markdown table.", rich_help_panel="Output")]
SINCE = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN", help="From: 24h, 7d, 2weeks, today, 2025-10-01, all.", rich_help_panel="Which rounds"
    ),
]
UNTIL = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Up to and with: today, 2025-10-31.", rich_help_panel="Which rounds"),
]
SEASON = Annotated[
    str | None,
    typer.Option(
        metavar="YYYY-QN",
        help="A quarter, such as 2025-Q4.",
        rich_help_panel="Which rounds",
        autocompletion=completion.seasons,
    ),
]
MAP = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="NAME",
        help="One map, such as supply.",
        rich_help_panel="Which rounds",
        autocompletion=completion.maps,
    ),
]
SERVER = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="NAME",
        help="One server.",
        rich_help_panel="Which rounds",
        autocompletion=completion.servers,
    ),
]
LAST = Annotated[
    str | None,
    typer.Option(
        metavar="N", help="The last N rounds: 20. Or sessions: 3sessions.", rich_help_panel="Which rounds"
    ),
]

_DISCORD_ID = re.compile(r"(?:<@!?)?(\d{15,20})>?", re.ASCII)
_LAST = re.compile(r"([1-9]\d{0,5})\s*(rounds?|sessions?|r|s|)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The database, opened, and the rounds in question: as the database is asked for them, and as a title names
    them.

    `zone` is the clock that the answer's times are shown by.
    """

    conn: "Connection"
    scope: "Scope"
    words: str
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundFilter:
    """The options that say which rounds; those that are inside all of them are in question."""

    since: SINCE = None
    until: UNTIL = None
    season: SEASON = None
    map_name: MAP = None
    server: SERVER = None
    last: LAST = None

    @contextmanager
    def question(self, ctx: typer.Context) -> Iterator[Question]:
        """Open the database to ask about these rounds; as `scope`."""
        from etstats.pipeline.database import open_for_reading

        config = context_of(ctx).config
        with open_for_reading(config) as conn:
            scope = self.scope(conn, config)
            yield Question(conn=conn, scope=scope, words=self.in_words(scope), zone=zone_of(config, scope.server))

    def scope(self, conn: "Connection", config: Config) -> "Scope":
        """These rounds, as the database is asked for them.

        NotFoundError: a map, server or season that the database does not hold (a database without rounds holds
        any). ConfigError: words that cannot be read. Days begin at midnight of this machine, or of the one server
        named.
        """
        from etstats.db import scope as scopes
        from etstats.domain.rules.quarters import quarter_span
        from etstats.sync.time_range import parse_when

        span = scopes.played_span(conn)
        server, map_name = self.server, self.map_name
        if span is not None and server is not None:
            server = known("server", server, scopes.server_names(conn))
        if span is not None and map_name is not None:
            map_name = known("map", map_name, scopes.map_names(conn))
        zone, now = zone_of(config, server), datetime.now(UTC)
        first = None if self.since is None else parse_when(self.since, now, zone)
        end = None if self.until is None else parse_when(self.until, now, zone, until=True)
        if self.season is not None:
            opened, closed = quarter_span(self.season, span, zone)
            first = opened if first is None else max(first, opened)
            end = closed if end is None else min(end, closed)
        rounds, sessions = _last(self.last)
        return scopes.Scope(
            since=first, until=end, map_name=map_name, server=server, last_rounds=rounds, last_sessions=sessions
        )

    def in_words(self, scope: "Scope") -> str:
        """The end of a title, times in the words they were asked in: ` · supply · 2025-Q4`; or empty."""
        rounds, sessions = scope.last_rounds, scope.last_sessions
        parts = [
            scope.map_name,
            scope.server,
            self.season and self.season.upper(),
            self.since and f"since {self.since}",
            self.until and f"until {self.until}",
            rounds and f"last {rounds} rounds" if rounds != 1 else "last round",
            sessions and f"last {sessions} sessions" if sessions != 1 else "last session",
        ]
        return "".join(f" · {part}" for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFormat:
    """The options that say how an answer is written; two formats at once are a mistake in usage."""

    as_json: JSON = False
    as_csv: CSV = False
    as_markdown: MARKDOWN = False

    def __post_init__(self) -> None:
        """Refuse two formats before anything is asked."""
        if self.as_json + self.as_csv + self.as_markdown > 1:
            raise typer.BadParameter("choose one of --json, --csv and --markdown")

    @property
    def style(self) -> Format:
        """The one format asked for."""
        asked = {Format.JSON: self.as_json, Format.CSV: self.as_csv, Format.MARKDOWN: self.as_markdown}
        return next((style for style, is_asked in asked.items() if is_asked), Format.TABLE)


def no_rounds(words: str) -> str:
    """Why an answer is empty, and what would fill it; `words` as from `Rounds.in_words`."""
    if words:
        return f"No rounds{words}. Ask for more of them, or bring more: etstats sync, or etstats import FOLDER"
    return "No rounds yet. They come with: etstats sync, or etstats import FOLDER"


def player(conn: "Connection", text: str) -> str:
    """The GUID of the player meant by a present or former name, a GUID, or a linked Discord account's id.

    NotFoundError: nobody, naming the nearest; or more than one, naming each.
    """
    from etstats.db import players
    from etstats.domain.rules import name_matching

    account = _DISCORD_ID.fullmatch(text.strip())
    if account and (guid := players.linked(conn, int(account[1]))) is not None:
        return guid
    return name_matching.choose(spellings(text), seen(conn))


def seen(conn: "Connection") -> "list[name_matching.KnownName]":
    """Every name with its player, as the rules of finding want them."""
    from etstats.db import players
    from etstats.domain.rules import name_matching

    return [name_matching.KnownName(a.guid, a.alias, a.times_seen, a.last_seen) for a in players.aliases(conn)]


def spellings(text: str) -> list[str]:
    """A name as it was given, and without colour codes."""
    from etstats.parser.names import clean_name

    return [text.strip(), clean_name(text)]


def known(kind: str, word: str, names: Sequence[str]) -> str:
    """The name as the database has it, case aside; NotFoundError naming the nearest ones, or the first few."""
    if word in names:
        return word
    alike = [name for name in names if name.casefold() == word.casefold()]
    if len(alike) == 1:
        return alike[0]
    from etstats.domain.rules.suggestions import closest

    near = closest(word, names)
    hint = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(names[:12])}"
    raise NotFoundError(f"no {kind} is named {word}; {hint}")


def zone_of(config: Config, server: str | None = None) -> tzinfo:
    """The clock that days are read and shown by: the named server's, else this machine's."""
    if server is not None and any(s.name == server for s in config.servers):
        return config.timezone(server)
    name = environment().get("TZ", "").lstrip(":")
    try:
        if name:
            return ZoneInfo(name)
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return UTC


def _last(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    match = _LAST.fullmatch(text.strip().lower())
    if match is None:
        raise ConfigError(f"--last {text}: say how many rounds or sessions: 20, 3sessions")
    count = int(match[1])
    return (None, count) if match[2].startswith("s") else (count, None)
