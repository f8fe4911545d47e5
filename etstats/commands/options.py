"""Options that several commands share, and their evaluation."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from etstats import output
from etstats.commands import completion
from etstats.commands.context import context_of
from etstats.config.loader import environment
from etstats.config.schema import Config
from etstats.db import players
from etstats.db import scope as scopes
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.domain.names import clean_name
from etstats.domain.rules import name_matching
from etstats.domain.rules.quarters import quarter_span
from etstats.domain.rules.suggestions import closest
from etstats.errors import ConfigError, NotFoundError
from etstats.output import Format
from etstats.pipeline.database import open_for_reading
from etstats.sync.time_range import parse_when

_output_option = partial(typer.Option, rich_help_panel="Output")
_rounds_option = partial(typer.Option, rich_help_panel="Which rounds")

JSON = Annotated[bool, _output_option("--json", help="Write one JSON document; [] if empty.")]
CSV = Annotated[bool, _output_option("--csv", help="Write comma-separated values.")]
MARKDOWN = Annotated[bool, _output_option("--markdown", help="Write a Markdown table.")]
ENVELOPE = Annotated[bool, _output_option("--envelope", help="With --json: wrap it with scope and units.")]
SINCE = Annotated[
    str | None, _rounds_option(metavar="WHEN", help="From: 24h, 7d, 2weeks, today, 2025-10-01, all.")
]
UNTIL = Annotated[str | None, _rounds_option(metavar="WHEN", help="Up to and including: today, 2025-10-31.")]
SEASON = Annotated[
    str | None,
    _rounds_option(metavar="YYYY-QN", help="A quarter, such as 2025-Q4.", autocompletion=completion.seasons),
]
MAP = Annotated[
    str | None,
    _rounds_option("--map", metavar="NAME", help="Only this map, such as supply.", autocompletion=completion.maps),
]
SERVER = Annotated[
    str | None,
    _rounds_option("--server", metavar="NAME", help="Only this server.", autocompletion=completion.servers),
]
LAST = Annotated[str | None, _rounds_option(metavar="N", help="The last N rounds (20) or sessions (3sessions).")]

_DISCORD_ID = re.compile(r"(?:<@!?)?(\d{15,20})>?", re.ASCII)
_LAST = re.compile(r"([1-9]\d{0,5})\s*(rounds?|sessions?|r|s|)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An open database and the selected rounds: as a filter for queries, and as text for titles.

    Times are shown in `zone`.
    """

    conn: Connection
    scope: Scope
    words: str
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundFilter:
    """The options that select rounds; a round must match all of them."""

    since: SINCE = None
    until: UNTIL = None
    season: SEASON = None
    map_name: MAP = None
    server: SERVER = None
    last: LAST = None

    @contextmanager
    def question(
        self, ctx: typer.Context, prepare: Callable[[Connection], object] | None = None
    ) -> Iterator[Question]:
        """Open the database to query these rounds; errors as in `scope`, `prepare` as in `open_for_reading`."""
        config = context_of(ctx).config
        with open_for_reading(config, prepare) as conn:
            scope = self.scope(conn, config)
            output.add_to_envelope(scope)
            yield Question(conn=conn, scope=scope, words=self.in_words(scope), zone=zone_of(config, scope.server))

    def scope(self, conn: Connection, config: Config) -> Scope:
        """Return the filter for queries.

        NotFoundError: a map, server or season is not in the database (not raised for a database without rounds).
        ConfigError: invalid option value. Days start at midnight of this machine, or of the selected server.
        """
        span = scopes.played_span(conn)
        server, map_name = self.server, self.map_name
        if span is not None and server is not None:
            server = known("server", server, scopes.server_names(conn))
        if span is not None and map_name is not None and not scopes.is_played(conn, map_name):
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

    def in_words(self, scope: Scope) -> str:
        """Return the end of a title, with times as given: ` · supply · 2025-Q4`; or an empty string."""
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
class DocumentFormat:
    """The output options of commands that write text, or one JSON document."""

    as_json: JSON = False
    envelope: ENVELOPE = False

    def __post_init__(self) -> None:
        """Refuse `--envelope` without `--json` before any query."""
        _use_envelope(self.envelope, as_json=self.as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFormat:
    """The output options; two formats at once are a usage error."""

    as_json: JSON = False
    as_csv: CSV = False
    as_markdown: MARKDOWN = False
    envelope: ENVELOPE = False

    def __post_init__(self) -> None:
        """Refuse two formats before any query."""
        if self.as_json + self.as_csv + self.as_markdown > 1:
            raise typer.BadParameter("choose one of --json, --csv and --markdown")
        _use_envelope(self.envelope, as_json=self.as_json)

    @property
    def style(self) -> Format:
        """Return the requested format."""
        asked = {Format.JSON: self.as_json, Format.CSV: self.as_csv, Format.MARKDOWN: self.as_markdown}
        return next((style for style, is_asked in asked.items() if is_asked), Format.TABLE)


def _use_envelope(wanted: bool, *, as_json: bool) -> None:
    if wanted and not as_json:
        raise typer.BadParameter("--envelope wraps the document of --json; add --json")
    output.set_envelope({} if wanted else None)


def no_rounds(words: str) -> str:
    """Return why a result is empty and what to do; `words` as from `RoundFilter.in_words`."""
    if words:
        return f"No rounds{words}. Use a wider filter, or import more: etstats sync, or etstats import FOLDER"
    return "No rounds yet. Import some: etstats sync, or etstats import FOLDER"


def player(conn: Connection, text: str) -> str:
    """Return the GUID of the player with this current or former name, GUID, or linked Discord account id.

    NotFoundError: no player (lists similar names), or more than one (lists all).
    """
    account = _DISCORD_ID.fullmatch(text.strip())
    if account and (guid := players.linked(conn, int(account[1]))) is not None:
        return guid
    return _chosen(text, seen(conn))


def recorded_guid(conn: Connection, text: str) -> str:
    """Return the GUID that has this GUID or recorded name; for a display name, the person's main GUID.

    NotFoundError: as `player`.
    """
    person = player(conn, text)
    own = [name for name in seen(conn) if name.guid == person]
    recorded = [name._replace(guid=name.recorded_guid) for name in own if not name.is_display]
    wanted = spellings(text)
    if len({name.guid for name in recorded}) < 2 or {name.alias for name in own if name.is_display} & set(wanted):
        return person
    return _chosen(text, recorded)


def _chosen(text: str, names: Sequence[name_matching.KnownName]) -> str:
    """Return the GUID of the matched player; report a name that was matched loosely on stderr."""
    found = name_matching.choose(spellings(text), names)
    if found.closeness >= name_matching.MatchQuality.CURRENT_FOLDED:
        present = "" if found.alias == found.clean_name else f", now {found.clean_name}"
        output.note(f'"{text}" was matched with {found.alias}{present} ({found.player_guid})')
    return found.player_guid


def seen(conn: Connection) -> list[name_matching.KnownName]:
    """Return every name with its player, for name matching."""
    return players.known_names(conn)


def spellings(text: str) -> list[str]:
    """Return a name as given, and without colour codes."""
    return [text.strip(), clean_name(text)]


def known(kind: str, word: str, names: Sequence[str]) -> str:
    """Return the name as stored, ignoring case; NotFoundError lists the most similar names, or the first few."""
    if word in names:
        return word
    alike = [name for name in names if name.casefold() == word.casefold()]
    if len(alike) == 1:
        return alike[0]

    near = closest(word, names)
    hint = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(names[:12])}"
    raise NotFoundError(f"no {kind} is named {word}; {hint}")


def zone_of(config: Config, server: str | None = None) -> tzinfo:
    """Return the zone in which days are read and shown: the selected server's, else this machine's."""
    if server is not None and any(known.name == server for known in config.servers):
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
        raise ConfigError(f"--last {text}: expected a number of rounds or sessions such as 20 or 3sessions")
    count = int(match[1])
    return (None, count) if match[2].startswith("s") else (count, None)


def server_zone(ctx: typer.Context, server: str) -> ZoneInfo:
    """Return the zone of a server's clock."""
    return context_of(ctx).config.timezone(server)


def server_zones(ctx: typer.Context, servers: Collection[str]) -> str:
    """Return the name of the zone of times that are shown in server time."""
    zones = {server_zone(ctx, server).key for server in servers}
    return f"{zones.pop()}, the server's time" if len(zones) == 1 else "each server's time"
