"""Recognize anonymized players in files, and replace them with their pseudonyms.

The database keeps only a slow, keyed hash of the GUID. A GUID has 32 bits, so the database's owner could try all
of them, which takes a year of one core; no hash can prevent that while later files must be recognized. The key is
in the database, because all collectors and restored backups must recognize the same players.
"""

import hashlib

from etstats.db import identity
from etstats.db.connection import Connection
from etstats.db.identity import Forgotten
from etstats.parser.pseudonyms import guids, rewrite

# scrypt: 4 MB and about 10 ms per GUID; computed only if a player was anonymized.
_COST, _BLOCK = 2**12, 8


class Pseudonyms:
    """Replaces anonymized players in file contents."""

    def __init__(self, conn: Connection) -> None:
        with conn.transaction():
            self._forgotten = {player.guid_hash: player for player in identity.forgotten(conn)}
            self._key = identity.forgetting_key(conn)
        self._known: dict[str, Forgotten | None] = {}

    def applied(self, content: bytes) -> bytes:
        """Return a file's bytes with the GUID and name of each anonymized player replaced."""
        if not self._forgotten or self._key is None:
            return content
        replacements = {}
        for guid in guids(content):
            if guid not in self._known:
                self._known[guid] = self._forgotten.get(guid_hash(self._key, guid))
            player = self._known[guid]
            if player is not None:
                replacements[guid] = (player.pseudonym_guid, player.pseudonym)
        return rewrite(content, replacements) if replacements else content

    @property
    def version(self) -> str:
        """A hash of the anonymized players, which changes with each `forget`; empty if there are none."""
        if self._key is None or not self._forgotten:
            return ""
        return hashlib.sha256(self._key + "".join(sorted(self._forgotten)).encode()).hexdigest()


def guid_hash(key: bytes, guid: str) -> str:
    """Return the slow hash by which an anonymized GUID is recognized."""
    return hashlib.scrypt(guid.encode(), salt=key, n=_COST, r=_BLOCK, p=1, dklen=32).hex()
