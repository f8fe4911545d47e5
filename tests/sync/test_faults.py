"""Server faults: incomplete files are not accepted, no file is lost, and the next poll recovers."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from etstats.domain.rounds import RemoteFile
from etstats.errors import AccessError, SourceError
from etstats.sync.sftp import source as sftp_source
from etstats.sync.sftp.connect import PromptSocket
from etstats.sync.source import Failed, Fetched, SftpSettings, Timeouts
from tests.support.listings import listed, name_of, write
from tests.support.processes import HANG_SECONDS
from tests.support.sftp_server import IMPATIENT, TestServer, client_key

BYTES = b"0123456789" * 100


def fill(root: Path, count: int) -> list[RemoteFile]:
    return [write(root, name_of(number), BYTES) for number in range(count)]


def fetched(outcomes: Iterator[Fetched | Failed]) -> dict[str, bytes]:
    return {outcome.file.name: outcome.content for outcome in outcomes if isinstance(outcome, Fetched)}


def test_unreadable_file_does_not_affect_others(server: TestServer, root: Path) -> None:
    """A file without read permission is reported by name; the others are fetched."""
    files = fill(root, 20)
    server.faults.deny.add(files[7].name)
    with sftp_source.connect(server.settings()) as source:
        outcomes = {outcome.file.name: outcome for outcome in source.fetch(files)}
        failed = outcomes.pop(files[7].name)
        assert isinstance(failed, Failed)
        assert failed.reason == "permission denied"
        assert not failed.is_passing
        assert all(isinstance(outcome, Fetched) for outcome in outcomes.values())
        server.faults.deny.clear()
        assert fetched(source.fetch([files[7]])) == {files[7].name: BYTES}


def test_connection_lost_inside_a_file_keeps_complete_files(server: TestServer, root: Path) -> None:
    """Files completed before a lost connection are kept; a new connection fetches the rest."""
    files = fill(root, 1_500)
    server.faults.drop_in.add(files[1_200].name)
    taken: dict[str, bytes] = {}

    def take() -> None:
        with sftp_source.connect(server.settings()) as source:
            for outcome in source.fetch(files):
                assert isinstance(outcome, Fetched)
                taken[outcome.file.name] = outcome.content

    with pytest.raises(SourceError, match=r"127\.0\.0\.1"):
        take()
    assert taken
    assert files[1_200].name not in taken
    server.faults.drop_in.clear()
    with sftp_source.connect(server.settings()) as source:
        taken |= fetched(source.fetch([file for file in files if file.name not in taken]))
    assert taken == {file.name: BYTES for file in files}


def test_stalled_read_times_out(server: TestServer, root: Path) -> None:
    """A read from a silent server ends with a timeout."""
    files = fill(root, 3)
    server.faults.stall_in.add(files[1].name)
    settings = server.settings(timeouts=IMPATIENT)
    with sftp_source.connect(settings) as source, pytest.raises(SourceError, match="does not answer in time"):
        list(source.fetch(files))


def test_file_that_grows_during_the_read_is_rejected(server: TestServer, root: Path) -> None:
    """A file that grows during the read is rejected by the FSTAT; the next poll fetches it."""
    file = write(root, name_of(1), BYTES)

    def grow(name: str) -> None:
        with (root / name).open("ab") as opened:
            opened.write(b"more")

    server.faults.before_fstat = grow
    with sftp_source.connect(server.settings()) as source:
        (outcome,) = source.fetch([file])
        assert isinstance(outcome, Failed)
        assert outcome.is_passing
        server.faults.before_fstat = lambda name: None
        assert fetched(source.fetch(listed(source).values())) == {file.name: BYTES + b"more"}


def test_file_that_shrinks_when_opened_is_rejected(server: TestServer, root: Path) -> None:
    """A short read neither hangs nor returns the file."""
    file = write(root, name_of(1), BYTES)
    server.faults.before_open = lambda name: os.truncate(root / name, 10)
    with sftp_source.connect(server.settings()) as source:
        (outcome,) = source.fetch([file])
    assert isinstance(outcome, Failed)
    assert outcome.is_passing


def test_listed_file_that_becomes_a_folder_is_rejected(server: TestServer, root: Path) -> None:
    """A listed file that is a folder when opened is rejected."""
    file = write(root, name_of(1), BYTES)

    def swap(name: str) -> None:
        (root / name).unlink(missing_ok=True)
        (root / name).mkdir(exist_ok=True)

    server.faults.before_open = swap
    with sftp_source.connect(server.settings()) as source:
        (outcome,) = source.fetch([file])
    assert isinstance(outcome, Failed)


@pytest.mark.parametrize("most", [1, 3, 100])
def test_few_handles_reduce_the_window(server: TestServer, root: Path, most: int) -> None:
    """Refusals for too many open files reduce the window; all files are fetched."""
    files = fill(root, 600)
    server.faults.max_open = most
    with sftp_source.connect(server.settings()) as source:
        assert len(fetched(source.fetch(files))) == 600
    assert server.most_open <= most


def test_file_that_never_opens_fails_after_a_retry(server: TestServer, root: Path) -> None:
    """A file refused without a reason is retried alone before it fails."""
    files = fill(root, 40)
    bad = {files[3].name, files[11].name}
    server.faults.fail_open |= bad
    with sftp_source.connect(server.settings()) as source:
        outcomes = list(source.fetch(files))
    assert {outcome.file.name for outcome in outcomes if isinstance(outcome, Failed)} == bad
    assert len(outcomes) == 40


def test_abandoned_fetch_closes_its_handles(server: TestServer, root: Path) -> None:
    """Handles that arrive after a fetch was abandoned are closed."""
    files = fill(root, 700)
    with sftp_source.connect(server.settings()) as source:
        for _ in range(3):
            next(iter(source.fetch(files)))
        for _ in range(2):  # the first listing meets the late answers and closes, the second comes after that
            listed(source)
        assert len(server.opened) > 3
        assert server.open_now == 0


def test_hostile_names_in_a_listing_are_refused(server: TestServer, root: Path) -> None:
    """Names that no file system allows are refused too."""
    fill(root, 2)
    names = [b"../../etc/passwd", b"/etc/passwd", b"a/../b.txt", b"nul\0.txt", b"", b"x" * 300, b"\xc3("]
    attrs = asyncssh.SFTPAttrs(size=10, atime=1, mtime=1, permissions=0o100644)
    server.faults.extra_names = lambda: iter([asyncssh.SFTPName(name, attrs=attrs) for name in names])
    with sftp_source.connect(server.settings()) as source:
        listing = source.list_files()
    assert listing is not None
    assert {file.name for file in listing.files} == {name_of(0), name_of(1)}
    assert len(listing.refused) == len(names)
    assert all(refused.name.isprintable() for refused in listing.refused)


def test_names_without_size_or_time_are_refused(server: TestServer) -> None:
    """Files without size or mtime are refused, because completeness cannot be checked."""
    bare = asyncssh.SFTPName(name_of(1).encode(), attrs=asyncssh.SFTPAttrs())
    server.faults.extra_names = lambda: iter([bare])
    with sftp_source.connect(server.settings()) as source:
        listing = source.list_files()
    assert listing is not None
    assert listing.files == ()
    assert [refused.reason for refused in listing.refused] == ["the server sent no size or time"]


def test_duplicate_name_is_one_file(server: TestServer, root: Path) -> None:
    """If a name is listed twice, the later entry counts."""
    (file,) = fill(root, 1)
    again = asyncssh.SFTPAttrs(size=11, atime=2, mtime=2, permissions=0o100644)
    server.faults.extra_names = lambda: iter([asyncssh.SFTPName(file.name.encode(), attrs=again)])
    with sftp_source.connect(server.settings()) as source:
        listing = source.list_files()
    assert listing is not None
    assert listing.files == (RemoteFile(name=file.name, size=11, mtime=2),)


def test_endless_listing_is_an_error(server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless listing is an error, with bounded memory and time."""
    attrs = asyncssh.SFTPAttrs(size=10, atime=1, mtime=1, permissions=0o100644)

    def endless() -> Iterator[asyncssh.SFTPName]:
        while True:
            yield asyncssh.SFTPName(b"again.txt", attrs=attrs)

    server.faults.extra_names = endless
    monkeypatch.setattr(sftp_source, "MAX_NAMES", 5_000)
    with sftp_source.connect(server.settings()) as source, pytest.raises(SourceError, match="does not end"):
        source.list_files()


def test_slow_listing_times_out(server: TestServer) -> None:
    """A slow listing ends after its own timeout."""
    attrs = asyncssh.SFTPAttrs(size=10, atime=1, mtime=1, permissions=0o100644)

    def endless() -> Iterator[asyncssh.SFTPName]:
        while True:
            yield asyncssh.SFTPName(b"again.txt", attrs=attrs)

    server.faults.extra_names = endless
    settings = server.settings(timeouts=Timeouts(listing=0.2))
    with sftp_source.connect(settings) as source, pytest.raises(SourceError, match="does not end"):
        source.list_files()


def test_clock_difference_changes_nothing(server: TestServer, root: Path) -> None:
    """mtimes are compared only with each other."""
    server.faults.clock_offset = 7 * 3600
    fill(root, 3)
    with sftp_source.connect(server.settings()) as source:
        files = listed(source)
        assert all(file.mtime == 1_700_000_000 + 7 * 3600 for file in files.values())
        assert len(fetched(source.fetch(files.values()))) == 3


def test_poll_of_an_unchanged_folder_sends_one_stat(server: TestServer, root: Path) -> None:
    """A poll of an unchanged folder over an open connection sends one STAT."""
    fill(root, 3)
    os.utime(root, (1_700_100_000, 1_700_100_000))
    with sftp_source.connect(server.settings()) as source:
        listing = source.list_files()
        assert listing is not None
        settled = listing.state._replace(first_seen=listing.state.listed - 5, recent=())
        before = server.stats, server.listings
        for _ in range(10):
            assert source.list_files(settled) is None
        assert (server.stats - before[0], server.listings - before[1]) == (10, 0)


def test_lost_connection_is_an_error_at_the_next_poll(server: TestServer, root: Path) -> None:
    """After a lost connection the source raises an error, and a new source works."""
    fill(root, 1)
    with sftp_source.connect(server.settings()) as source:
        listed(source)
        server.drop_all()
        with pytest.raises(SourceError):
            source.list_files()
    with sftp_source.connect(server.settings()) as source:
        assert len(listed(source)) == 1


def test_missing_folder_is_reported(server: TestServer) -> None:
    """The error for a wrong remote_path names the path and the server."""
    with pytest.raises(SourceError, match=r"the folder /nowhere on et@127.* does not exist"):
        sftp_source.connect(server.settings(remote_path="/nowhere"))


def test_unreadable_folder_is_an_access_error(server: TestServer) -> None:
    """A folder without permission is an AccessError, not a temporary one."""
    server.faults.deny_folder = True
    with pytest.raises(AccessError, match=r"no permission to read the folder / on et@127"):
        sftp_source.connect(server.settings())


def test_file_in_place_of_a_folder_is_reported(server: TestServer, root: Path) -> None:
    """The error for a remote_path that is a file says so."""
    fill(root, 1)
    with pytest.raises(SourceError, match="is not a folder"):
        sftp_source.connect(server.settings(remote_path="/" + name_of(0)))


def test_refused_connection_is_reported_with_its_address() -> None:
    """A refused connection is one line with the address."""
    with pytest.raises(SourceError, match=r"cannot reach .*:1: connection refused"):
        sftp_source.connect(SftpSettings(host="127.0.0.1", port=1, user="et", remote_path="/", ssh_config=None))


def test_unknown_host_name_is_reported() -> None:
    """An unknown host name is one line with the name."""
    with pytest.raises(SourceError, match="cannot find the host"):
        sftp_source.connect(SftpSettings(host="no.such.host.invalid", user="et", remote_path="/", ssh_config=None))


def test_unknown_key_is_reported(server: TestServer, keys: Path) -> None:
    """The error names user, server and key, and what to do."""
    other = client_key(keys, "other_key")
    with pytest.raises(
        AccessError, match=r"et@127.*refused .*public half with: ssh-copy-id -i \S*other_key -p \d+ et@127"
    ):
        sftp_source.connect(server.settings(key_file=other))


def test_server_without_sftp_is_reported(root: Path, keys: Path) -> None:
    """A login without SFTP is reported as such, not as a lost connection."""
    with TestServer(root, keys, sftp_factory=None) as server, pytest.raises(SourceError, match="offers no SFTP"):
        sftp_source.connect(server.settings())


def test_closing_sftp_subsystem_is_reported(root: Path, keys: Path) -> None:
    """A subsystem that closes at once is reported in the same way."""

    def dies(kind: int, body: bytes) -> bytes:
        raise asyncssh.SFTPFailure("no such program")

    with TestServer(root, keys, raw=dies) as server, pytest.raises(SourceError, match=r"offers no SFTP|closed"):
        sftp_source.connect(server.settings())


@pytest.fixture
def listener() -> Iterator[Callable[[bytes, bool], int]]:
    """A port that sends a few bytes, then closes the connection or stays silent."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def serve(words: bytes, hangs_up: bool) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        server.settimeout(0.05)

        def run() -> None:
            held: list[socket.socket] = []
            while not stop.is_set():
                try:
                    peer, _ = server.accept()
                except TimeoutError:
                    continue
                peer.sendall(words)
                if hangs_up:
                    peer.close()
                else:
                    held.append(peer)
            for peer in [*held, server]:
                peer.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return int(server.getsockname()[1])

    yield serve
    stop.set()
    for thread in threads:
        thread.join(HANG_SECONDS)


SILENT = b"SSH-2.0-Silent\r\n"


def ssh_packet(body: bytes) -> bytes:
    """Return an SSH packet without encryption; the body has 200 bytes."""
    return (len(body) + 4).to_bytes(4, "big") + bytes([3]) + body + bytes(3)


@pytest.mark.parametrize(
    ("words", "hangs_up", "message"),
    [
        (b"", False, "did not send an SSH banner"),
        (b"", True, "did not send an SSH banner"),
        (b"220 mail.example ESMTP\r\n", True, "did not send an SSH banner"),
        (SILENT, False, "in time|closed the connection"),
        (b"SSH-2.0-Gone\r\n", True, "closed the connection|cannot reach"),
        (b"SSH-2.0-Broken\r\n" + ssh_packet(b"\x14" + b"\xff" * 199), False, "SSH failed: its reply is not SSH"),
        (b"SSH-2.0-Broken\r\n" + ssh_packet(b"\x63" + bytes(199)), False, "SSH failed"),
        (b"SSH-1.5-Ancient\r\n", False, "no common algorithm|SSH failed"),
    ],
)
def test_other_protocols_are_reported(
    listener: Callable[[bytes, bool], int], words: bytes, hangs_up: bool, message: str
) -> None:
    """Silence, a closed connection and another protocol each end in one line, in time."""
    # Short only where something is silent: all else has to come, however busy the machine is.
    timeouts = Timeouts(handshake=1) if words == SILENT else Timeouts(banner=15 if words else 0.5)
    settings = SftpSettings(
        host="127.0.0.1",
        port=listener(words, hangs_up),
        user="et",
        remote_path="/",
        ssh_config=None,
        timeouts=timeouts,
    )
    with pytest.raises(SourceError, match=message):
        sftp_source.connect(settings)
    for timer in [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]:
        timer.join(HANG_SECONDS)
        assert not timer.is_alive()  # it would hold up the end of the process


def test_send_without_progress_times_out() -> None:
    """A send without progress ends after its timeout, and not before."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with PromptSocket(socket.create_connection(server.getsockname()), stall_seconds=0.2) as stuck:
            stuck.settimeout(0.05)

            def push() -> None:
                while True:
                    with contextlib.suppress(TimeoutError):
                        stuck.send(bytes(1 << 20))

            with pytest.raises(ConnectionAbortedError):
                push()


def packet(kind: int, body: bytes) -> bytes:
    return (len(body) + 1).to_bytes(4, "big") + bytes([kind]) + body


FOLDER = (4 | 8).to_bytes(4, "big") + (0o40755).to_bytes(4, "big") + bytes(8)


def shell_noise(kind: int, body: bytes) -> bytes:
    """Print text before SFTP begins, as a login script may."""
    return b"Welcome to the game server of the clan!\n"


def empty_for_ever(kind: int, body: bytes) -> bytes:
    """Answer each READDIR with a count of 0."""
    return {
        1: packet(2, (3).to_bytes(4, "big")),
        11: packet(102, body[:4] + (1).to_bytes(4, "big") + b"h"),
        12: packet(104, body[:4] + bytes(4)),
        17: packet(105, body[:4] + FOLDER),
        200: packet(101, body[:4] + (8).to_bytes(4, "big")),
    }[kind]


def cut_names(kind: int, body: bytes) -> bytes:
    """Send a truncated name list."""
    return packet(104, body[:4] + b"\0\0\0\x09ab") if kind == 12 else empty_for_ever(kind, body)


def wrong_kind(kind: int, body: bytes) -> bytes:
    """Answer a request for attributes with data."""
    return packet(103, body[:4] + bytes(4)) if kind == 17 else empty_for_ever(kind, body)


def silent(kind: int, body: bytes) -> bytes:
    """Read everything and send nothing."""
    return b""


def drip(kind: int, body: bytes) -> bytes:
    """Send an answer that never ends."""
    return b"\0\0\1\0"


def ancient(kind: int, body: bytes) -> bytes:
    """Speak version 2 of the protocol."""
    return packet(2, (2).to_bytes(4, "big")) if kind == 1 else empty_for_ever(kind, body)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (shell_noise, "sent an answer that is not SFTP"),
        (empty_for_ever, "does not end"),
        (cut_names, "sent an answer that is not SFTP"),
        (wrong_kind, "sent an answer that is not SFTP"),
        (silent, "does not answer in time"),
        (drip, "does not answer in time"),
        (ancient, "sent an answer that is not SFTP"),
    ],
)
def test_broken_sftp_is_reported(
    root: Path, keys: Path, answer: Callable[[int, bytes], bytes], message: str
) -> None:
    """Noise, endless answers, broken packets and silence end in one line, in time, with bounded memory."""
    with TestServer(root, keys, raw=answer) as server, pytest.raises(SourceError, match=message):
        poll_once(server)


def poll_once(server: TestServer) -> None:
    with sftp_source.connect(server.settings(timeouts=IMPATIENT)) as source:
        source.list_files()
