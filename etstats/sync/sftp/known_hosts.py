"""Read the accepted host keys from known_hosts files, and add a key that the administrator trusts.

Each line is read on its own, because a revoked, damaged or foreign line must not hide the valid ones. Keys are
compared as bytes, so that the keys of thousands of other hosts are never decoded.
"""

import base64
import binascii
import hashlib
import hmac
import os
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from etstats.errors import ConfigError, HostKeyError
from etstats.sync.regular_file import read_regular


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A server's public key: its SSH type name, and the key in SSH's wire format."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint as `ssh-keygen -l` prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A valid line for this host; `is_revoked`: the key must never be accepted."""

    key: HostKey
    path: Path
    line: int
    is_revoked: bool = False


def spelling(host: str, port: int) -> str:
    """Return a host as written in known_hosts: `host` for port 22, else `[host]:port`."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def known_keys(paths: Iterable[Path], host: str, port: int) -> tuple[KnownKey, ...]:
    """Return the keys of this host from all files; missing files are skipped.

    A bare `host` line applies only to port 22. Raises ConfigError for a file that cannot be read.
    """
    names = {spelling(host, port)} | ({f"[{host.lower()}]:22"} if port == 22 else set())
    return tuple(known for path in paths for known in _read(path, names))


def _read(path: Path, names: set[str]) -> Iterator[KnownKey]:
    try:
        lines = read_regular(path).splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"cannot read the known hosts in {path}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        fields = line.decode(errors="replace").split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#") or marker not in {"", "@revoked"}:
            continue  # @cert-authority lines are for certificates, which are not supported
        if not any(_matches(fields[0], name) for name in names):
            continue
        try:
            blob = base64.b64decode(fields[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        kind = blob[4 : 4 + int.from_bytes(blob[:4], "big")]
        if kind.decode(errors="replace") == fields[1]:
            key = HostKey(kind=fields[1], blob=blob)
            yield KnownKey(key=key, path=path, line=number, is_revoked=marker == "@revoked")


def _matches(patterns: str, name: str) -> bool:
    if patterns.startswith("|1|"):
        return _matches_hash(patterns, name)
    wanted = False
    for pattern in patterns.lower().split(","):
        # Brackets are part of `[host]:port` here, not a set of characters.
        if fnmatchcase(name, pattern.removeprefix("!").replace("[", "[[]")):
            if pattern.startswith("!"):
                return False
            wanted = True
    return wanted


def _matches_hash(hashed: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in hashed.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)


def check(shown: HostKey, known: Iterable[KnownKey], host: str, port: int) -> None:
    """Check the key that a server sent; raise HostKeyError with its fingerprint and the command to trust it."""
    known = tuple(known)
    name = spelling(host, port)
    for entry in known:
        if entry.is_revoked and entry.key == shown:
            raise HostKeyError(
                f"the {shown.kind} key of {name} ({shown.fingerprint}) is revoked in {entry.path}, line "
                f"{entry.line}: do not connect; ask the server's administrator for its new key"
            )
    good = [entry for entry in known if not entry.is_revoked]
    if any(entry.key == shown for entry in good):
        return
    if not good:
        raise HostKeyError(
            f"the host key of {name} is not known: {shown.kind} {shown.fingerprint}. "
            "Compare it with the server's own, then run: etstats config check --trust"
        )
    command = f"{_removal(name, sorted({entry.path for entry in good}))} && etstats config check --trust"
    raise HostKeyError(
        f"the host key of {name} has CHANGED to {shown.kind} {shown.fingerprint} (attack?); "
        f"if reinstalled: {command}"
    )


def _removal(name: str, paths: Iterable[Path]) -> str:
    """Return the command that removes the keys of a host from these files."""
    own = Path("~/.ssh/known_hosts").expanduser()
    files = ["" if path == own else f" -f {shlex.quote(str(path))}" for path in paths]
    return " && ".join(f"ssh-keygen -R {shlex.quote(name)}{file}" for file in files)


def known_hosts_line(key: HostKey, host: str, port: int) -> str:
    """Return the known_hosts line of this key."""
    return f"{spelling(host, port)} {key.kind} {base64.b64encode(key.blob).decode()}"


def trust(path: Path, key: HostKey, host: str, port: int) -> None:
    """Add the key to a known_hosts file, created with mode 0600 if missing; a known key is not added twice.

    Raises HostKeyError if the file has another key for this host (the administrator must remove that line), and
    ConfigError if the file cannot be written.
    """
    path = path.expanduser()
    known = known_keys([path], host, port)
    if known:
        check(key, known, host, port)
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "ab+", opener=lambda name, flags: os.open(name, flags, 0o600)) as opened:
            if opened.tell() > 0:
                opened.seek(-1, os.SEEK_END)
                if opened.read(1) != b"\n":
                    opened.write(b"\n")
            opened.write(known_hosts_line(key, host, port).encode() + b"\n")
    except OSError as error:
        raise ConfigError(f"cannot write the host key to {path}: {error.strerror}") from error
