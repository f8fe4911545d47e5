"""Who is linked to a Discord account, who is hidden, and who was forgotten."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from etstats.db.archive import hash_of
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A player's Discord account, as text, for numbers of that size lose digits in JSON; may it be pinged?"""

    discord_user_id: str
    player_guid: str
    clean_name: str
    wants_mention: bool
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A player kept off boards and posts."""

    player_guid: str
    clean_name: str
    hidden_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What the database keeps of an anonymized player: a hash, and the identity that replaces the player."""

    guid_hash: str
    pseudonym_guid: str
    pseudonym: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptContent:
    """An archived file's bytes, and those of the bad version of the same name, if there is one."""

    id: int
    content: bytes
    rejected_content: bytes | None


def link(conn: Connection, guid: str, discord_user_id: int, *, wants_mention: bool) -> None:
    """Link a player and an account; what either was linked to before gives way."""
    # Two statements: the old row must be gone before the new one can take its place.
    parameters = {"guid": guid, "discord_user_id": discord_user_id, "wants_mention": wants_mention}
    conn.execute(query("unlink_others"), parameters)
    conn.execute(query("link_player"), parameters)


def unlink(conn: Connection, guid: str) -> bool:
    """Take a player's link away; False when there was none."""
    return conn.execute(query("unlink_player"), {"guid": guid}).rowcount > 0


def links(conn: Connection) -> list[Link]:
    """All links, by the players' last names."""
    return fetch_all(conn, Link, "links")


def mentions(conn: Connection, guids: Collection[str]) -> dict[str, str]:
    """The Discord accounts of those who asked to be mentioned, by GUID; never of a hidden player."""
    return dict(conn.execute(query("mentions"), {"guids": list(guids)}).fetchall()) if guids else {}


def hide(conn: Connection, guid: str) -> bool:
    """Keep a player off boards and posts; False when it was so already."""
    changed = conn.execute(query("hide_player"), {"guid": guid}).rowcount > 0
    conn.execute(query("touch_rounds_of_player"), {"guid": guid})
    return changed


def unhide(conn: Connection, guid: str) -> bool:
    """Show a player again; False when the player was not hidden."""
    changed = conn.execute(query("unhide_player"), {"guid": guid}).rowcount > 0
    conn.execute(query("touch_rounds_of_player"), {"guid": guid})
    return changed


def hidden(conn: Connection) -> list[Hidden]:
    """Everybody who is hidden, longest first."""
    return fetch_all(conn, Hidden, "hidden_players")


def forgotten(conn: Connection) -> list[Forgotten]:
    """All who were forgotten."""
    return fetch_all(conn, Forgotten, "anonymized_players")


def forgetting_key(conn: Connection) -> bytes | None:
    """The key of the hashes; None while nobody was forgotten."""
    row = conn.execute(query("anonymization_key")).fetchone()
    return row[0] if row else None


def add_forgetting_key(conn: Connection, key: bytes) -> None:
    """Keep the key of the hashes; it stays the one that is there."""
    conn.execute(query("add_anonymization_key"), {"key": key})


def is_free(conn: Connection, guid: str) -> bool:
    """True when no player, seen or forgotten, goes by this GUID."""
    row = conn.execute(query("is_guid_free"), {"guid": guid}).fetchone()
    return row == (True,)


def kept_contents(conn: Connection, needle: bytes) -> Iterator[KeptContent]:
    """The archived files, whole or in quarantine, in whose bytes something occurs; streamed."""
    with conn.cursor("contents_containing", row_factory=class_row(KeptContent)) as cursor:
        cursor.itersize = 200
        yield from cursor.execute(query("contents_containing"), {"needle": needle})


def replace_content(conn: Connection, kept: KeptContent) -> None:
    """Keep other bytes for a file; how its source knows it (`source_hash`, `source_size`) stays."""
    parameters = {
        "id": kept.id,
        "content": kept.content,
        "file_hash": hash_of(kept.content),
        "size_bytes": len(kept.content),
        "rejected_content": kept.rejected_content,
    }
    conn.execute(query("replace_content"), parameters)


def rename_everywhere(conn: Connection, guid: str, who: Forgotten) -> int:
    """Put the pseudonym in the place of a player in every row; returns how many rounds that concerned."""
    parameters = {"guid": guid, "pseudonym_guid": who.pseudonym_guid, "pseudonym": who.pseudonym}
    for name in (
        "drop_aliases_of_player",
        "anonymize_reasons",
        "anonymize_session_teams",
        "anonymize_series_teams",
        "anonymize_identities",
        "anonymize_ratings",
        "anonymize_corrections",
        "anonymize_hidden",
        "unlink_player",
    ):
        conn.execute(query(name), parameters)
    rounds = conn.execute(query("anonymize_player_rows"), parameters).rowcount
    conn.execute(query("add_pseudonym_alias"), parameters)
    conn.execute(query("touch_rounds_of_player"), {"guid": who.pseudonym_guid})
    conn.execute(query("add_anonymized_player"), {**parameters, "guid_hash": who.guid_hash})
    return rounds
