"""Anonymize a player: use a pseudonym in the database, in the archived files and in all later files.

The database keeps only a slow, keyed hash of the GUID. A GUID has 32 bits, so the database's owner could try all
of them, which takes a year of one core; no hash can prevent that while later files must be recognized. The key is
in the database, because all collectors and restored backups must recognize the same players.
"""

import hashlib
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from etstats.db import corrections, identity
from etstats.db.connection import Connection
from etstats.db.identity import Forgotten
from etstats.db.series import sessions_of_players
from etstats.errors import NotFoundError, TemporaryError
from etstats.importer.series import refresh_series
from etstats.parser.pseudonyms import guids, rewrite
from etstats.sync.local_copies import PARTIAL

# scrypt: 4 MB and about 10 ms per GUID; computed only if a player was anonymized.
_COST, _BLOCK = 2**12, 8
_STAMP = ".anonymized"  # a file in the folder of the copies: the `Pseudonyms.version` that they were rewritten for


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
                self._known[guid] = self._forgotten.get(_hash(self._key, guid))
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


def are_copies_current(pseudonyms: Pseudonyms, root: Path) -> bool:
    """Return whether the local copies below `root` contain no anonymized player."""
    return not root.is_dir() or _stamp_of(root) == pseudonyms.version


def update_copies(pseudonyms: Pseudonyms, root: Path) -> int:
    """Anonymize the local copies below `root`, unless done since the last `forget`; return the number changed.

    The version file is written after the last copy. So after a killed `forget` or an interrupted run, or on
    another machine, the next run that uses the folder completes the work. All servers' folders are included, also
    of servers no longer configured. A copy keeps its times. Raises TemporaryError if a copy cannot be rewritten.
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
            f"cannot anonymize the local copy {path} ({error.strerror or error}); "
            "make it writable or remove it, then run the command again"
        ) from error
    return changed


def _stamp_of(root: Path) -> str:
    try:
        return (root / _STAMP).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _replace(path: Path, content: bytes, *, keep_times: bool) -> None:
    """Replace a file atomically, with fsync; on an error, the partial file is removed."""
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
class Anonymized:
    """The result of anonymizing a player: the pseudonym, the number of rounds and of files."""

    player: Forgotten
    rounds: int
    files: int


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
    update_copies(Pseudonyms(conn), copies)
    return Anonymized(
        player=parts[0].player, rounds=sum(part.rounds for part in parts), files=sum(part.files for part in parts)
    )


def _forget_guid(conn: Connection, guid: str) -> Anonymized:
    key = identity.forgetting_key(conn)
    assert key is not None  # noqa: S101  # added by the caller
    pseudonym_guid = _new_guid(conn)
    player = Forgotten(
        guid_hash=_hash(key, guid),
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


def _hash(key: bytes, guid: str) -> str:
    return hashlib.scrypt(guid.encode(), salt=key, n=_COST, r=_BLOCK, p=1, dklen=32).hex()
