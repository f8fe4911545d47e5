"""SFTP servers for tests: one in this process with faults, and OpenSSH's own if it is installed.

    with TestServer(folder, keys) as server:           # keys: a folder for host key, client key and known_hosts
        server.faults.drop_in.add(name)
        sftp.connect(server.settings())

Real SSH on loopback: host keys, key login, a folder that cannot be left.
"""

import asyncio
import contextlib
import getpass
import os
import random
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import asyncssh

from etstats.sync.source import SftpSettings, Timeouts
from tests.support.processes import HANG_SECONDS, Process, until

IMPATIENT = Timeouts(answer=2)
"""For tests in which the server falls silent after the login; all others have the patience of a busy machine."""

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")


@dataclass
class Faults:
    """The faults of the server, by file name; they can be changed at any time."""

    deny: set[str] = field(default_factory=set)
    fail_open: set[str] = field(default_factory=set)
    drop_in: set[str] = field(default_factory=set)
    stall_in: set[str] = field(default_factory=set)
    before_open: Callable[[str], None] = lambda name: None
    before_fstat: Callable[[str], None] = lambda name: None
    before_listing: Callable[[int], None] = lambda number: None
    extra_names: Callable[[], Iterator[asyncssh.SFTPName]] = lambda: iter(())
    max_open: int | None = None
    deny_folder: bool = False
    clock_offset: int = 0
    most_refusals: int | None = None


class _Files(asyncssh.SFTPServer):
    """The server's view of its folder, with the faults."""

    def __init__(self, channel: Any, server: "TestServer") -> None:
        super().__init__(channel, chroot=os.fsencode(server.root))
        self._server = server

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        faults, name = self._server.faults, os.fsdecode(path).rpartition("/")[2]
        self._server.opened.append(name)
        faults.before_open(name)
        if name in faults.deny:
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        if name in faults.fail_open or (faults.max_open is not None and self._server.open_now >= faults.max_open):
            raise asyncssh.SFTPFailure("Too many open files")
        self._server.open_now += 1
        self._server.most_open = max(self._server.most_open, self._server.open_now)
        opened: Any = super().open(path, pflags, attrs)
        self._server.files.append(opened)
        return opened

    def close(self, file_obj: object) -> Any:
        self._server.open_now -= 1
        return super().close(file_obj)

    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        name = os.fsdecode(file_obj.name).rpartition("/")[2]
        if name in self._server.faults.stall_in:
            return asyncio.get_running_loop().create_future()  # nobody will ever answer
        if name in self._server.faults.drop_in:
            self.connection.abort()
            raise asyncssh.SFTPConnectionLost("gone")
        return super().read(file_obj, offset, size)

    def fstat(self, file_obj: Any) -> Any:
        self._server.faults.before_fstat(os.fsdecode(file_obj.name).rpartition("/")[2])
        return self._shifted(super().fstat(file_obj))

    def stat(self, path: bytes) -> Any:
        if self._server.faults.deny_folder:
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        self._server.stats += 1
        return self._shifted(super().stat(path))

    async def scandir(self, path: bytes) -> Any:
        self._server.listings += 1
        self._server.faults.before_listing(self._server.listings)
        async for name in super().scandir(path):
            self._shifted(name.attrs)
            yield name
        for name in self._server.faults.extra_names():
            yield name

    def _shifted(self, found: Any) -> Any:
        attrs = found if isinstance(found, asyncssh.SFTPAttrs) else asyncssh.SFTPAttrs.from_local(found)
        if attrs.mtime is not None:
            attrs.mtime += self._server.faults.clock_offset
        return attrs


class _Raw(asyncssh.SSHServerSession[bytes]):
    """A manual SFTP server, for answers that no library gives: `answer(kind, body)` is sent unchanged."""

    def __init__(self, answer: Callable[[int, bytes], bytes] | None) -> None:
        self._answer = answer
        self._in = b""

    def connection_made(self, chan: Any) -> None:
        self._channel = chan

    def subsystem_requested(self, subsystem: str) -> bool:
        return self._answer is not None

    def data_received(self, data: bytes, datatype: Any) -> None:
        self._in += data
        while len(self._in) >= 4 and len(self._in) >= (end := 4 + int.from_bytes(self._in[:4], "big")):
            packet, self._in = self._in[4:end], self._in[end:]
            assert self._answer is not None
            self._channel.write(self._answer(packet[0], packet[1:]))


class _Login(asyncssh.SSHServer):
    def __init__(self, server: "TestServer") -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._refused = 0
        self._server.connections.add(conn)  # from its first byte on: many clients never log in

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Reject keys that are not authorized; close the connection after too many."""
        self._refused += 1
        most = self._server.faults.most_refusals
        if most is not None and self._refused > most:
            self._connection.abort()
        return False

    def begin_auth(self, username: str) -> bool:
        self._server.logins += 1
        return True

    def session_requested(self) -> Any:
        return False if self._server.raw is None else _Raw(self._server.raw)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        self._server.forwarded.append((dest_host, dest_port))
        return True


class TestServer:
    """An asyncssh server in a separate thread that counts the requests."""

    __test__ = False

    def __init__(
        self,
        root: Path,
        keys: Path,
        *,
        host_key_kinds: tuple[str, ...] = ("ssh-ed25519",),
        raw: Callable[[int, bytes], bytes] | None = None,
        **options: Any,
    ) -> None:
        self.root = root
        self.keys = keys
        self.faults = Faults()
        self.raw = raw
        self.listings = self.stats = self.logins = 0
        self.open_now = self.most_open = 0
        self.opened: list[str] = []
        self.files: list[Any] = []
        self.forwarded: list[tuple[str, int]] = []
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.host_keys = [asyncssh.generate_private_key(kind, **_cheap(kind)) for kind in host_key_kinds]
        self.key_file = client_key(keys)
        self.known_hosts = keys / "known_hosts"
        self.port = 0
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def settings(self, **changes: Any) -> SftpSettings:
        """Return settings that connect to this server, with the given changes."""
        values: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "et",
            "key_file": self.key_file,
            "remote_path": "/",
            "known_hosts": self.known_hosts,
            "ssh_config": None,
        }
        return SftpSettings(**(values | changes))

    def known_hosts_lines(self) -> list[str]:
        """Return one line per host key, like `ssh-keyscan`."""
        return [f"[127.0.0.1]:{self.port} {_public(key)}" for key in self.host_keys]

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        self.known_hosts.write_text("\n".join(self.known_hosts_lines()) + "\n")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(HANG_SECONDS)
        self._loop.close()

    def drop_all(self) -> None:
        """Close every connection, like a reboot."""
        self._run(self._drop())

    async def _listen(self) -> None:
        options = {"sftp_factory": lambda channel: _Files(channel, self), **self._options}
        if self.raw is not None:
            options |= {"sftp_factory": None, "encoding": None}
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=lambda: _Login(self),
            server_host_keys=self.host_keys,
            authorized_client_keys=str(self.key_file) + ".pub",
            **options,
        )
        self.port = self._acceptor.get_port()

    async def _drop(self) -> None:
        while self.connections:
            connection = self.connections.pop()
            connection.abort()
            await connection.wait_closed()

    async def _stop(self) -> None:
        # What was accepted just now needs turns of the loop to become a connection, and asyncio loses its socket
        # when the listener is closed before them.
        for listener in self._acceptor.sockets:
            self._loop.remove_reader(listener.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        await self._drop()
        self._acceptor.close()
        await self._acceptor.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for file in self.files:  # a stalled client's, which asyncssh leaves to the collector
            file.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(HANG_SECONDS)


class OpenSshServer:
    """OpenSSH's sshd on loopback with separate keys."""

    def __init__(self, root: Path, keys: Path) -> None:
        self.root = root
        self.keys = keys
        self.key_file = client_key(keys)
        self.known_hosts = keys / "known_hosts"
        self.port = free_port()

    def settings(self, **changes: Any) -> SftpSettings:
        """Return settings that connect to this server as the user who runs the tests."""
        values: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "key_file": self.key_file,
            "remote_path": str(self.root),
            "known_hosts": self.known_hosts,
            "ssh_config": None,
        }
        return SftpSettings(**(values | changes))

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd will not start without it
        key = asyncssh.generate_private_key("ssh-ed25519")
        host_key = _private_file(self.keys / "host_key", key)
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {_public(key)}\n")
        config = self.keys / "sshd_config"
        config.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {host_key}\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"AuthorizedKeysFile {self.key_file}.pub\nPermitRootLogin prohibit-password\n"
            "PasswordAuthentication no\nSubsystem sftp internal-sftp\nMaxStartups 100\nPerSourcePenalties no\n"
        )
        tried = subprocess.run([str(SSHD), "-t", "-f", config], capture_output=True, check=False)
        if b"PerSourcePenalties" in tried.stderr:
            config.write_text(config.read_text().replace("PerSourcePenalties no\n", ""))  # before OpenSSH 9.8
        with ExitStack() as stack:
            process = stack.enter_context(Process([str(SSHD), "-D", "-e", "-f", config]))
            until(lambda: "Server listening" in process.err or process.poll() is not None)
            if process.returncode is not None:
                raise RuntimeError(f"sshd did not start: {process.err}")
            self._running = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._running.close()


def client_key(folder: Path, name: str = "client_key", kind: str = "ssh-ed25519", **options: Any) -> Path:
    """Create a key pair once and return the private file; the public one is next to it."""
    path = folder / name
    if not path.exists():
        key = asyncssh.generate_private_key(kind, **_cheap(kind))
        _private_file(path, key, **options)
        key.write_public_key(f"{path}.pub")
    return path


def free_port() -> int:
    """Return an unused port that neither the kernel nor another test's server uses."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_768)  # Linux gives away ports from 32768 on
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _private_file(path: Path, key: asyncssh.SSHKey, **options: Any) -> Path:
    path.touch(mode=0o600)
    key.write_private_key(str(path), **options)
    return path


def _public(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


def _cheap(kind: str) -> dict[str, Any]:
    return {"key_size": 2048} if kind == "ssh-rsa" else {}
