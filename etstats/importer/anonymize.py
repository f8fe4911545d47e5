"""Forgetting a player: a pseudonym everywhere, archive included, and in every file that comes later.

The base keeps only a hash of the GUID, keyed and slow. A GUID has 32 bits, so whoever holds the base could try
them all: at this cost that is a year of one core, and no hash can do better while files must be recognised.
The key is in the base because every collector, and every restored backup, must recognise the same players.
"""

import hashlib
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from etstats.db import identity
from etstats.db.connection import Connection, database_errors
from etstats.db.identity import Forgotten
from etstats.errors import NotFoundError
from etstats.parser import pseudonyms

# 4 MB and some 10 ms for each GUID; only asked for where somebody was forgotten.
_COST, _BLOCK = 2**12, 8


class Pseudonyms:
    """Who was forgotten, as a run needs it: bytes in, bytes without the forgotten out."""

    def __init__(self, conn: Connection) -> None:
        with database_errors(), conn.transaction():
            self._forgotten = {who.guid_hash: who for who in identity.forgotten(conn)}
            self._key = identity.forgetting_key(conn)
        self._known: dict[str, Forgotten | None] = {}

    def applied(self, content: bytes) -> bytes:
        """A file's bytes with every forgotten player's GUID and name replaced."""
        if not self._forgotten or self._key is None:
            return content
        others = {}
        for guid in pseudonyms.guids(content):
            if guid not in self._known:
                self._known[guid] = self._forgotten.get(_hash(self._key, guid))
            who = self._known[guid]
            if who is not None:
                others[guid] = (who.pseudonym_guid, who.pseudonym)
        return pseudonyms.rewrite(content, others) if others else content

    def apply_to_copies(self, folder: Path, names: Iterable[str]) -> None:
        """The same in local copies that came just now; one that is not there needs nothing."""
        for path in [folder / name for name in names] if self._forgotten else []:
            with suppress(FileNotFoundError):
                content = path.read_bytes()
                if (changed := self.applied(content)) != content:
                    _replace_copy(path, changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What forgetting a player came to: who stands in the place now, in how many rounds, in how many files."""

    who: Forgotten
    rounds: int
    files: int


def forget(conn: Connection, guid: str, copies: Path) -> Done:
    """Replace a player everywhere in the base, in one transaction, and then in the local copies below a folder.

    The caller holds the lock of the run. Backups made before still hold the player. NotFoundError: the GUID is
    a pseudonym already.
    """
    with database_errors(), conn.transaction():
        if any(who.pseudonym_guid == guid for who in identity.forgotten(conn)):
            raise NotFoundError(f"{guid} is a pseudonym: that player was forgotten before.")
        identity.add_forgetting_key(conn, secrets.token_bytes(32))
        key = identity.forgetting_key(conn)
        assert key is not None  # noqa: S101  # it was added a moment ago
        pseudonym_guid = _new_guid(conn)
        who = Forgotten(
            guid_hash=_hash(key, guid),
            pseudonym_guid=pseudonym_guid,
            pseudonym=f"forgotten-{pseudonym_guid.lower()}",
        )
        others = {guid: (who.pseudonym_guid, who.pseudonym)}
        files = 0
        for kept in identity.kept_contents(conn, guid.encode()):
            bad = kept.rejected_content
            changed = replace(
                kept,
                content=pseudonyms.rewrite(kept.content, others),
                rejected_content=None if bad is None else pseudonyms.rewrite(bad, others),
            )
            identity.replace_content(conn, changed)
            files += 1
        rounds = identity.rename_everywhere(conn, guid, who)
    _rewrite_copies(copies, guid, others)
    return Done(who=who, rounds=rounds, files=files)


def _rewrite_copies(folder: Path, guid: str, others: dict[str, tuple[str, str]]) -> None:
    """The same in the local copies below a folder."""
    for path in sorted(folder.glob("*/*.txt")):
        content = path.read_bytes()
        if guid.encode() in content:
            _replace_copy(path, pseudonyms.rewrite(content, others))


def _replace_copy(path: Path, content: bytes) -> None:
    """Give a local copy other bytes; it keeps its times and is whole at every moment."""
    written = path.with_name(f".{path.name}.partial")
    written.write_bytes(content)
    shutil.copystat(path, written)
    written.replace(path)


def _new_guid(conn: Connection) -> str:
    while True:
        guid = secrets.token_hex(4).upper()
        if identity.is_free(conn, guid):
            return guid


def _hash(key: bytes, guid: str) -> str:
    return hashlib.scrypt(guid.encode(), salt=key, n=_COST, r=_BLOCK, p=1, dklen=32).hex()
