"""Tests of the demo's SFTP server."""

import os
import socket
import stat
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import paramiko
import pytest

from etstats.demo.generator import GeneratedFile, generate, write_files
from etstats.demo.sftp_server import SftpServer, serve
from tests.support.processes import HANG_SECONDS


@pytest.fixture
def files(tmp_path: Path) -> list[GeneratedFile]:
    """Return the folder `gamestats` with one session."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    session = list(generate(1, start=datetime(2025, 10, 6, 20, 5)))  # noqa: DTZ001
    write_files(folder, session)
    return session


@pytest.fixture
def server(tmp_path: Path, files: list[GeneratedFile]) -> Iterator[SftpServer]:
    keys = tmp_path / "keys"
    keys.mkdir()
    with serve(tmp_path / "gamestats", keys) as running:
        yield running


def connect(server: SftpServer, key_file: Path | None = None, user: str | None = None) -> paramiko.SSHClient:
    known_hosts = server.key_file.with_name("known_hosts")
    known_hosts.write_text(server.known_hosts_line + "\n")
    client = paramiko.SSHClient()
    client.load_host_keys(str(known_hosts))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(
        server.host,
        server.port,
        user or server.user,
        key_filename=str(key_file or server.key_file),
        allow_agent=False,
        look_for_keys=False,
        timeout=HANG_SECONDS,
    )
    return client


def test_lists_and_reads_every_file(server: SftpServer, files: list[GeneratedFile]) -> None:
    """Names, sizes, mtimes and bytes are those of the folder."""
    with connect(server) as client, client.open_sftp() as sftp:
        listed = {entry.filename: entry for entry in sftp.listdir_attr(server.remote_path)}
        assert listed.keys() == {file.name for file in files}
        for file in files:
            assert (listed[file.name].st_size, listed[file.name].st_mtime) == (len(file.content), file.mtime)
            with sftp.open(f"{server.remote_path}/{file.name}") as remote:
                assert remote.stat().st_size == len(file.content)
                assert remote.read() == file.content
        assert sftp.listdir("/") == ["gamestats"]
        assert stat.S_ISDIR(sftp.stat(server.remote_path).st_mode or 0)


def test_writes_nothing(server: SftpServer, files: list[GeneratedFile], tmp_path: Path) -> None:
    """Files cannot be created, changed, renamed or removed."""
    place = f"{server.remote_path}/{files[0].name}"
    with connect(server) as client, client.open_sftp() as sftp:
        with pytest.raises(PermissionError):
            sftp.open(place, "w")
        with pytest.raises(PermissionError):
            sftp.open(server.remote_path + "/new", "w")
        for attempt in (
            lambda: sftp.remove(place),
            lambda: sftp.rename(place, place + ".old"),
            lambda: sftp.mkdir(server.remote_path + "/folder"),
            lambda: sftp.truncate(place, 0),
        ):
            with pytest.raises(OSError, match="unsupported"):
                attempt()
    assert {path.name for path in (tmp_path / "gamestats").iterdir()} == {file.name for file in files}
    assert (tmp_path / "gamestats" / files[0].name).read_bytes() == files[0].content


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "../keys/id_ed25519", "/gamestats/../keys/id_ed25519", "/gamestats/x"]
)
def test_shows_nothing_outside_the_folder(server: SftpServer, place: str) -> None:
    """A path outside the folder is refused."""
    with connect(server) as client, client.open_sftp() as sftp:
        with pytest.raises(FileNotFoundError):
            sftp.open(place)
        with pytest.raises(FileNotFoundError):
            sftp.stat(place)
        with pytest.raises(FileNotFoundError):
            sftp.listdir(place)


def test_follows_no_link(server: SftpServer, files: list[GeneratedFile], tmp_path: Path) -> None:
    """Links, pipes and folders are not listed or opened."""
    folder = tmp_path / "gamestats"
    (folder / "link").symlink_to(server.key_file)
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    with connect(server) as client, client.open_sftp() as sftp:
        assert len(sftp.listdir(server.remote_path)) == len(files)
        for name in ("link", "sub", "pipe"):
            with pytest.raises(OSError, match=r"Permission denied|Failure"):
                sftp.open(f"{server.remote_path}/{name}")


def test_accepts_one_user_for_sftp_only(server: SftpServer) -> None:
    """Another user and a shell are refused; only its owner can read the client's key."""
    assert stat.S_IMODE(server.key_file.stat().st_mode) == 0o600
    with pytest.raises(paramiko.AuthenticationException):
        connect(server, user="root")
    with connect(server) as client, pytest.raises(paramiko.SSHException):
        client.exec_command("id")


def test_leaves_no_thread_and_no_connection(tmp_path: Path, files: list[GeneratedFile]) -> None:
    """The end of the `with` block closes open sessions, silent clients and the listener."""
    before = set(threading.enumerate())
    with serve(tmp_path / "gamestats", tmp_path) as running:
        client = connect(running)
        sftp = client.open_sftp()
        handle = sftp.open(f"{running.remote_path}/{files[0].name}")
        mute = socket.create_connection((running.host, running.port), timeout=HANG_SECONDS)
        assert mute.recv(4) == b"SSH-"
        before.update({thread for thread in (client.get_transport(),) if thread is not None})
        assert len(set(threading.enumerate()) - before) >= 5  # accepting, and two for each connection
    assert set(threading.enumerate()) <= before
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((running.host, running.port), timeout=HANG_SECONDS)
    while mute.recv(4096):
        pass
    mute.close()
    with pytest.raises((OSError, EOFError, paramiko.SSHException)):
        handle.read(1)
    client.close()


def test_two_servers_have_different_keys(tmp_path: Path, files: list[GeneratedFile]) -> None:
    """Each run has a new host key, and a client key works for one server only."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with serve(tmp_path / "gamestats", tmp_path / "a") as a, serve(tmp_path / "gamestats", tmp_path / "b") as b:
        assert a.known_hosts_line.split()[2] != b.known_hosts_line.split()[2]
        with connect(a) as one, connect(b) as two, one.open_sftp() as left, two.open_sftp() as right:
            assert sorted(left.listdir(a.remote_path)) == sorted(right.listdir(b.remote_path))
        with pytest.raises(paramiko.AuthenticationException):
            connect(a, key_file=b.key_file)
