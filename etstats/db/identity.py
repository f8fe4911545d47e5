"""Read and write Discord links, hidden players and anonymized players."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_column
from etstats.domain.files import hash_of


class Link(NamedTuple):
    """A player's Discord account (text, since JSON numbers lose digits) and whether it may be mentioned."""

    discord_user_id: str
    player_guid: str
    clean_name: str
    wants_mention: bool
    linked_at: datetime


class Hidden(NamedTuple):
    """A player who is not shown on boards and posts."""

    player_guid: str
    clean_name: str
    hidden_at: datetime


class Forgotten(NamedTuple):
    """An anonymized player: the hash of the GUID, and the pseudonym."""

    guid_hash: str
    pseudonym_guid: str
    pseudonym: str


class KeptContent(NamedTuple):
    """An archived file's bytes, and those of a rejected version of the same name, if any."""

    id: int
    content: bytes
    rejected_content: bytes | None


def link(conn: Connection, guid: str, discord_user_id: int, *, wants_mention: bool) -> None:
    """Link a player and an account; earlier links of either are removed."""
    # Two statements: the old row must be deleted before the new one is inserted.
    parameters = {"guid": guid, "discord_user_id": discord_user_id, "wants_mention": wants_mention}
    conn.execute(query("unlink_others"), parameters)
    conn.execute(query("link_player"), parameters)


def unlink(conn: Connection, guid: str) -> bool:
    """Remove a player's link; return False if there was none."""
    return conn.execute(query("unlink_player"), {"guid": guid}).rowcount > 0


def links(conn: Connection) -> list[Link]:
    """Return all links, by the players' last names."""
    return fetch_all(conn, Link, "links")


def mentions(conn: Connection, guids: Collection[str]) -> dict[str, str]:
    """Return the Discord accounts of players who want to be mentioned, by GUID; without hidden players."""
    return dict(conn.execute(query("mentions"), {"guids": list(guids)}).fetchall()) if guids else {}


def hide(conn: Connection, guid: str) -> bool:
    """Hide a player on boards and posts; return False if already hidden."""
    changed = conn.execute(query("hide_player"), {"guid": guid}).rowcount > 0
    conn.execute(query("touch_rounds_of_player"), {"guid": guid})
    return changed


def unhide(conn: Connection, guid: str) -> bool:
    """Show a player again; return False if not hidden."""
    changed = conn.execute(query("unhide_player"), {"guid": guid}).rowcount > 0
    conn.execute(query("touch_rounds_of_player"), {"guid": guid})
    return changed


def hidden(conn: Connection) -> list[Hidden]:
    """Return all hidden players, in the order of hiding."""
    return fetch_all(conn, Hidden, "hidden_players")


def names_to_show(conn: Connection, names: Collection[str]) -> set[str]:
    """Return the clean names among these that may be shown."""
    return set(fetch_column(conn, "names_to_show", {"names": list(names)}))


def forgotten(conn: Connection) -> list[Forgotten]:
    """Return all anonymized players."""
    return fetch_all(conn, Forgotten, "anonymized_players")


def forgetting_key(conn: Connection) -> bytes | None:
    """Return the key of the hashes; None if no player was anonymized."""
    row = conn.execute(query("anonymization_key")).fetchone()
    return row[0] if row else None


def add_forgetting_key(conn: Connection, key: bytes) -> None:
    """Store the key of the hashes; an existing key is kept."""
    conn.execute(query("add_anonymization_key"), {"key": key})


def is_free(conn: Connection, guid: str) -> bool:
    """Return whether no player, anonymized ones included, has this GUID."""
    row = conn.execute(query("is_guid_free"), {"guid": guid}).fetchone()
    return row == (True,)


def contents_containing(conn: Connection, needle: bytes) -> Iterator[KeptContent]:
    """Yield the archived files, including quarantine, whose bytes contain `needle`."""
    with conn.cursor("contents_containing", row_factory=class_row(KeptContent)) as cursor:
        cursor.itersize = 200
        yield from cursor.execute(query("contents_containing"), {"needle": needle})


def replace_content(conn: Connection, kept: KeptContent) -> None:
    """Replace the archived bytes of a file; `source_hash` and `source_size` are kept."""
    parameters = {
        "id": kept.id,
        "content": kept.content,
        "file_hash": hash_of(kept.content),
        "size_bytes": len(kept.content),
        "rejected_content": kept.rejected_content,
    }
    conn.execute(query("replace_content"), parameters)


def guids_of_person(conn: Connection, guid: str) -> list[str]:
    """Return every GUID of a merged player, the main GUID first."""
    return fetch_column(conn, "guids_of_person", {"guid": guid})


def rename_everywhere(conn: Connection, guid: str, player: Forgotten) -> int:
    """Replace a GUID by its pseudonym in every row; return the number of rounds.

    The caller must then recompute the identities from the corrections.
    """
    parameters = {"guid": guid, "pseudonym_guid": player.pseudonym_guid, "pseudonym": player.pseudonym}
    for name in (
        "drop_names_of_player",
        "anonymize_corrections",
        "drop_aliases_of_player",
        "anonymize_reasons",
        "anonymize_session_teams",
        "anonymize_series_teams",
        "anonymize_ratings",
        "anonymize_hidden",
        "unlink_player",
    ):
        conn.execute(query(name), parameters)
    rounds = conn.execute(query("anonymize_player_rows"), parameters).rowcount
    conn.execute(query("add_pseudonym_alias"), parameters)
    conn.execute(query("touch_rounds_of_player"), {"guid": player.pseudonym_guid})
    conn.execute(query("add_anonymized_player"), {**parameters, "guid_hash": player.guid_hash})
    return rounds
