"""Hide a player, or anonymize them in the database, in the archived files and in the local copies."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from etstats.db import corrections, identity
from etstats.db.connection import Connection
from etstats.db.identity import Forgotten
from etstats.db.series import sessions_of_players
from etstats.errors import NotFoundError
from etstats.importer.anonymize import Pseudonyms, guid_hash
from etstats.importer.series import refresh_series
from etstats.parser.pseudonyms import rewrite
from etstats.pipeline import anonymized_copies


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymized:
    """The result of anonymizing a player: the pseudonym, the number of rounds and of files."""

    player: Forgotten
    rounds: int
    files: int


def set_hidden(conn: Connection, guid: str, *, hidden: bool) -> bool:
    """Hide a player or show them again, in the caller's transaction; return whether this changes something."""
    changed = identity.hide(conn, guid) if hidden else identity.unhide(conn, guid)
    refresh_series(conn, sessions_of_players(conn, [guid]))
    return changed


def forget(conn: Connection, guid: str, copies: Path) -> Anonymized:
    """Anonymize a player in the database, in one transaction, then in the local copies below a folder.

    All GUIDs of a merged player are replaced. The caller holds the run's lock. Older backups still contain the
    player. Raises NotFoundError if the GUID is a pseudonym.
    """
    with conn.transaction():
        pseudonyms = {player.pseudonym_guid for player in identity.forgotten(conn)}
        guids = [own for own in identity.guids_of_person(conn, guid) if own not in pseudonyms]
        if not guids:
            raise NotFoundError(f"{guid} is a pseudonym: the player was anonymized before")
        identity.add_forgetting_key(conn, secrets.token_bytes(32))
        parts = [_forget_guid(conn, own) for own in guids]
        corrections.store_identities(conn, corrections.state(conn).rows())
        refresh_series(conn, sessions_of_players(conn, [part.player.pseudonym_guid for part in parts]))
    anonymized_copies.update_copies(Pseudonyms(conn), copies)
    return Anonymized(
        player=parts[0].player, rounds=sum(part.rounds for part in parts), files=sum(part.files for part in parts)
    )


def _forget_guid(conn: Connection, guid: str) -> Anonymized:
    key = identity.forgetting_key(conn)
    assert key is not None  # noqa: S101  # added by the caller
    pseudonym_guid = _new_guid(conn)
    player = Forgotten(
        guid_hash=guid_hash(key, guid),
        pseudonym_guid=pseudonym_guid,
        pseudonym=f"forgotten-{pseudonym_guid.lower()}",
    )
    replacements = {guid: (player.pseudonym_guid, player.pseudonym)}
    files = 0
    for kept in identity.contents_containing(conn, guid.encode()):
        bad = kept.rejected_content
        changed = kept._replace(
            content=rewrite(kept.content, replacements),
            rejected_content=None if bad is None else rewrite(bad, replacements),
        )
        identity.replace_content(conn, changed)
        files += 1
    return Anonymized(player=player, rounds=identity.rename_everywhere(conn, guid, player), files=files)


def _new_guid(conn: Connection) -> str:
    while True:
        guid = secrets.token_hex(4).upper()
        if identity.is_free(conn, guid):
            return guid
