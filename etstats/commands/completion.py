"""Shell completion of players, maps, servers, seasons, boards and weapons; empty when the database is unavailable.

bash inserts a candidate into the command line as it is. zsh evaluates candidates and descriptions as shell code,
and typer does not escape backslashes. Only `_candidates` decides which words are offered.
"""

import re
import shlex
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple

import typer

from etstats.config import loader
from etstats.db.connection import Connection, connect
from etstats.db.players import aliases
from etstats.db.scope import map_names, played_span, server_names
from etstats.domain.fields import WEAPONS
from etstats.domain.rules.boards import BOARD_NAMES
from etstats.domain.rules.quarters import quarters_between
from etstats.pipeline.database import database_url, replica_url

_LONGEST_WORD = 255
# Typer wraps a description at the width of the terminal, and fish reads each line as a candidate.
_LONGEST_DESCRIPTION = 36
# ASCII characters with a meaning to zsh, PowerShell or rich, which typer renders descriptions with.
_NOT_IN_DESCRIPTION = re.compile(r"""[!"$%&'()*:;<>?[\\\]^`{|}~]""")


class Choice(NamedTuple):
    """A word to offer, and the word to offer instead if the first is not safe (empty: none)."""

    word: str
    stand_in: str = ""


class _StandIn(str):
    """A GUID offered for the start of a name. Typer drops candidates that do not start with what was typed."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        return True


_Candidates = list[str | tuple[str, str]]
"""Words, and (word, description) pairs."""


def boards(incomplete: str) -> _Candidates:
    """Offer the leaderboards."""

    return _candidates(map(Choice, BOARD_NAMES), incomplete)


def weapons(incomplete: str) -> _Candidates:
    """Offer the weapons."""
    return _candidates(map(Choice, WEAPONS), incomplete)


def maps(ctx: typer.Context, incomplete: str) -> _Candidates:
    """Offer the played maps."""
    return _from_database(ctx, incomplete, lambda conn: map(Choice, map_names(conn)))


def servers(ctx: typer.Context, incomplete: str) -> _Candidates:
    """Offer the servers that have rounds."""
    return _from_database(ctx, incomplete, lambda conn: map(Choice, server_names(conn)))


def seasons(ctx: typer.Context, incomplete: str) -> _Candidates:
    """Offer the quarters between the first and the last round in this machine's time, newest first."""
    return _from_database(ctx, incomplete, lambda conn: map(Choice, _quarters(conn)))


def players(ctx: typer.Context, incomplete: str) -> _Candidates:
    """Offer every name of every player, last seen first, or the GUID if the name is not safe."""
    return _from_database(ctx, incomplete, lambda conn: (Choice(seen.alias, seen.guid) for seen in aliases(conn)))


def is_safe(word: str) -> bool:
    """Return whether the word is literal in every shell without quotes, and not an option."""
    return shlex.quote(word) == word and word[0] not in "-~" and len(word) <= _LONGEST_WORD


def description(text: str) -> str:
    """Return a text as one short line; characters with a meaning in a shell become question marks."""
    line = "".join(filter(str.isprintable, " ".join(text.split())))
    line = line.encode(sys.stdout.encoding, "replace").decode(sys.stdout.encoding)
    return _NOT_IN_DESCRIPTION.sub("?", line)[:_LONGEST_DESCRIPTION]


def _candidates(choices: Iterable[Choice], incomplete: str) -> _Candidates:
    """Return the safe words and the substitutes that start with what was typed.

    If there are none and the typed text starts the name of a single stand-in, return it: bash then replaces the
    typed word. Of several stand-ins, bash would insert the common prefix of their GUIDs.
    """
    words: dict[str, None] = {}
    stand_ins: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for word, stand_in in choices:
        if is_safe(word):
            words[word] = None
        elif is_safe(stand_in):
            stand_ins.setdefault(stand_in, word)
            if word.startswith(incomplete):
                by_name.setdefault(stand_in, word)
    found: _Candidates = [word for word in words if word.startswith(incomplete)]
    found += [(guid, description(name)) for guid, name in stand_ins.items() if guid.startswith(incomplete)]
    if not found and len(by_name) == 1:
        found = [(_StandIn(guid), description(name)) for guid, name in by_name.items()]
    return found


def _quarters(conn: Connection) -> list[str]:
    span = played_span(conn)
    return [] if span is None else quarters_between(*(moment.astimezone() for moment in span))


def _from_database(
    ctx: typer.Context, incomplete: str, ask: Callable[[Connection], Iterable[Choice]]
) -> _Candidates:
    """Ask the configured database; return nothing on any error."""
    try:
        settings = loader.load(ctx.find_root().params.get("config"))
        with connect(replica_url(settings) or database_url(settings), read_only=True) as conn:
            return _candidates(ask(conn), incomplete)
    except Exception:  # noqa: BLE001  # an exception here would be printed into the line being typed
        return []
