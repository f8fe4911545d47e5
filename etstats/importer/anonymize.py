"""Forgetting a player: a pseudonym everywhere, archive included, and in every file that comes later.

The database keeps only a hash of the GUID, keyed and slow. A GUID has 32 bits, so the database's owner could try
them all: at this cost that is a year of one core, and no hash can do better while files must be recognised.
The key is in the database because every collector, and every restored backup, must recognise the same players.
"""

import hashlib
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from etstats.db import identity
from etstats.db.connection import Connection, database_errors
from etstats.db.identity import Forgotten
from etstats.errors import NotFoundError, TemporaryError
from etstats.parser.pseudonyms import guids, rewrite
from etstats.sync.local_copies import PARTIAL

# 4 MB and some 10 ms for each GUID; only asked for where somebody was forgotten.
_COST, _BLOCK = 2**12, 8
_STAMP = ".anonymized"  # in the folder of the copies: the version of `Pseudonyms` that they were rewritten for


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
        for guid in guids(content):
            if guid not in self._known:
                self._known[guid] = self._forgotten.get(_hash(self._key, guid))
            who = self._known[guid]
            if who is not None:
                others[guid] = (who.pseudonym_guid, who.pseudonym)
        return rewrite(content, others) if others else content

    @property
    def version(self) -> str:
        """A hash of who was forgotten, which changes with each `forget`; empty when nobody was."""
        if self._key is None or not self._forgotten:
            return ""
        return hashlib.sha256(self._key + "".join(sorted(self._forgotten)).encode()).hexdigest()


def are_copies_current(pseudonyms: Pseudonyms, root: Path) -> bool:
    """Whether no local copy below `root` can hold a forgotten player."""
    return not pseudonyms.version or not root.is_dir() or _stamp_of(root) == pseudonyms.version


def update_copies(pseudonyms: Pseudonyms, root: Path) -> int:
    """Anonymize the local copies below `root`, unless that was done since the last `forget`; count those changed.

    The version is written down only after every copy was rewritten. So a killed `forget`, an interrupted run, or a
    folder on another machine is completed by the next run that uses the folder. All servers' folders are included,
    those that are no longer configured too. A copy keeps its times. TemporaryError: a copy cannot be rewritten.
    """
    if are_copies_current(pseudonyms, root):
        return 0
    changed = 0
    path = root
    try:
        for path in sorted(root.rglob("*")):
            if path.is_symlink() or not path.is_file() or path == root / _STAMP:
                continue
            if path.name.endswith(PARTIAL):
                path.unlink(missing_ok=True)  # left by a killed run
                continue
            content = path.read_bytes()
            rewritten = pseudonyms.applied(content)
            if rewritten != content:
                _replace(path, rewritten, keep_times=True)
                changed += 1
        _replace(root / _STAMP, f"{pseudonyms.version}\n".encode(), keep_times=False)
    except OSError as error:
        raise TemporaryError(
            f"forgotten players are still in the local copy {path} ({error.strerror or error}); "
            "make it writable or remove it, then run the command again"
        ) from error
    return changed


def _stamp_of(root: Path) -> str:
    try:
        return (root / _STAMP).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _replace(path: Path, content: bytes, *, keep_times: bool) -> None:
    """Replace a file by one rename, synced to disk; nothing is left behind on an error."""
    number, partial = tempfile.mkstemp(suffix=PARTIAL, dir=path.parent)
    try:
        with os.fdopen(number, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(number)
        if keep_times:
            shutil.copystat(path, partial)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What forgetting a player came to: who stands in the place now, in how many rounds, in how many files."""

    who: Forgotten
    rounds: int
    files: int


def forget(conn: Connection, guid: str, copies: Path) -> Done:
    """Replace a player everywhere in the database, in one transaction, then in the local copies below a folder.

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
                content=rewrite(kept.content, others),
                rejected_content=None if bad is None else rewrite(bad, others),
            )
            identity.replace_content(conn, changed)
            files += 1
        rounds = identity.rename_everywhere(conn, guid, who)
    update_copies(Pseudonyms(conn), copies)
    return Done(who=who, rounds=rounds, files=files)


def _new_guid(conn: Connection) -> str:
    while True:
        guid = secrets.token_hex(4).upper()
        if identity.is_free(conn, guid):
            return guid


def _hash(key: bytes, guid: str) -> str:
    return hashlib.scrypt(guid.encode(), salt=key, n=_COST, r=_BLOCK, p=1, dklen=32).hex()
