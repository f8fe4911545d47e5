"""A server that violates the protocol: every answer ends in bounded memory and one error."""

import json
import struct
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.rounds import RemoteFile
from etstats.errors import SourceError
from etstats.sync.sftp import source as sftp_source
from etstats.sync.sftp import wire as sftp_wire
from etstats.sync.sftp.fetch import pipelined
from etstats.sync.sftp.wire import NotSftpError, Wire
from etstats.sync.source import Failed, Fetched, Refused
from tests.support.listings import name_of
from tests.support.processes import run
from tests.support.sftp_server import TestServer

MTIME = 1_700_000_000
OK, NO_MORE = struct.pack(">III", 0, 0, 0), struct.pack(">III", 1, 0, 0)

Twist = Callable[[int, bytes, bytes], bytes]
"""Gets the kind of the request, its body (id first) and the honest answer; returns what is sent instead."""


def packet(kind: int, body: bytes) -> bytes:
    return struct.pack(">IB", len(body) + 1, kind) + body


def attributes(size: int, mode: int = 0o100644) -> bytes:
    return struct.pack(">IQIII", 0x1 | 0x4 | 0x8, size, mode, MTIME, MTIME)


def entry(name: bytes, size: int) -> bytes:
    return sftp_wire.string(name) + sftp_wire.string(b"") + attributes(size)


def honest(_kind: int, _body: bytes, answer: bytes) -> bytes:
    return answer


class PacketServer:
    """A folder of files of one size, served packet by packet; `twist` may change each answer."""

    def __init__(self, count: int, size: int, twist: Twist = honest) -> None:
        self.count, self.size, self.twist = count, size, twist
        self._is_listed = False

    def __call__(self, kind: int, body: bytes) -> bytes:
        return self.twist(kind, body, self._answer(kind, body))

    def _answer(self, kind: int, body: bytes) -> bytes:
        number = body[:4]
        match kind:
            case sftp_wire.INIT:
                return packet(sftp_wire.VERSION, struct.pack(">I", 3))
            case sftp_wire.STAT:
                return packet(sftp_wire.ATTRS, number + attributes(0, 0o40755))
            case sftp_wire.OPENDIR | sftp_wire.OPEN:
                return packet(sftp_wire.HANDLE, number + sftp_wire.string(b"handle"))
            case sftp_wire.READDIR if not self._is_listed:
                self._is_listed = True
                names = b"".join(entry(name_of(index).encode(), self.size) for index in range(self.count))
                return packet(sftp_wire.NAME, number + struct.pack(">I", self.count) + names)
            case sftp_wire.READ:
                length = struct.unpack(">I", body[-4:])[0]
                return packet(sftp_wire.DATA, number + sftp_wire.string(bytes(length)))
            case sftp_wire.FSTAT:
                return packet(sftp_wire.ATTRS, number + attributes(self.size))
            case sftp_wire.READDIR:
                return packet(sftp_wire.STATUS, number + NO_MORE)
        return packet(sftp_wire.STATUS, number + OK)


class PacketServerChannel:
    """The same server in memory, for many examples."""

    def __init__(self, hand: PacketServer) -> None:
        self._hand = hand
        self._in = b""
        self._out = bytearray()

    def settimeout(self, timeout: float | None) -> None:
        assert timeout is None or timeout > 0

    def sendall(self, data: bytes) -> None:
        self._in += data
        while len(self._in) >= 4 and len(self._in) >= (end := 4 + int.from_bytes(self._in[:4], "big")):
            sent, self._in = self._in[4:end], self._in[end:]
            self._out += self._hand(sent[0], sent[1:])

    def recv(self, nbytes: int) -> bytes:
        data = bytes(self._out[:nbytes])
        del self._out[:nbytes]
        return data

    def recv_ready(self) -> bool:
        return bool(self._out)


def files(count: int, size: int) -> list[RemoteFile]:
    return [RemoteFile(name=name_of(number), size=size, mtime=MTIME) for number in range(count)]


def fetch_all(hand: PacketServer) -> list[Fetched | Failed]:
    return list(pipelined(Wire(PacketServerChannel(hand), 1), b"/", files(hand.count, hand.size)))


def on(request: int, change: Callable[[bytes, bytes], bytes]) -> Twist:
    """Change the answers to one kind of request; `change` gets the request's id and the correct answer."""

    def twist(kind: int, body: bytes, answer: bytes) -> bytes:
        return change(body[:4], answer) if kind == request else answer

    return twist


@pytest.fixture
def serve(root: Path, keys: Path) -> Iterator[Callable[[PacketServer], TestServer]]:
    """Start a `Hand` server over real SSH."""
    running: list[TestServer] = []

    def start(hand: PacketServer) -> TestServer:
        running.append(TestServer(root, keys, raw=hand).__enter__())
        return running[-1]

    yield start
    for server in running:
        server.__exit__()


def test_unchanged_packet_server_sends_every_file(serve: Callable[[PacketServer], TestServer]) -> None:
    """Without changes the server lists and sends every file."""
    server = serve(PacketServer(40, 50_000))
    with sftp_source.connect(server.settings()) as source:
        listing = source.list_files()
        assert listing is not None
        outcomes = list(source.fetch(listing.files))
    assert len(outcomes) == 40
    assert all(isinstance(outcome, Fetched) and len(outcome.content) == 50_000 for outcome in outcomes)


def test_excess_data_is_not_kept() -> None:
    """Files of 100 listed bytes whose reads return a megabyte fail, with small memory."""

    def flood(number: bytes, _answer: bytes) -> bytes:
        return packet(sftp_wire.DATA, number + sftp_wire.string(bytes((1 << 20) - 100)))

    hand = PacketServer(300, 100, on(sftp_wire.READ, flood))
    channel = PacketServerChannel(hand)
    wire = Wire(channel, 1)
    outcomes = pipelined(wire, b"/", files(16, 100))
    tracemalloc.start()
    try:
        found = list(outcomes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [outcome.reason for outcome in found if isinstance(outcome, Failed)] == [
        "the server sent more bytes than requested"
    ] * 16
    # The channel itself holds the 16 MB that are still to be received, twice while it grows.
    assert peak < 64 << 20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures memory as Linux shows it")
def test_excess_data_over_ssh_is_not_kept(serve: Callable[[PacketServer], TestServer]) -> None:
    """If 300 files of 100 listed bytes send 300 MB over SSH, the client's memory stays small."""

    def flood(number: bytes, _answer: bytes) -> bytes:
        return packet(sftp_wire.DATA, number + sftp_wire.string(bytes((1 << 20) - 100)))

    server = serve(PacketServer(300, 100, on(sftp_wire.READ, flood)))
    done = run([sys.executable, "-c", CLIENT, str(server.port), server.key_file, server.known_hosts])
    assert done.returncode == 0, done.stderr
    reasons, kilobytes = json.loads(done.stdout)
    assert reasons == ["the server sent more bytes than requested"] * 300
    assert kilobytes < 150_000


CLIENT = """
import json, sys
from etstats.domain.rounds import RemoteFile
from etstats.sync.sftp import source
from etstats.sync.source import SftpSettings
from pathlib import Path
port, key_file, known_hosts = sys.argv[1:]
settings = SftpSettings(host="127.0.0.1", port=int(port), user="et", key_file=Path(key_file), remote_path="/",
                        known_hosts=Path(known_hosts), ssh_config=None)
files = [RemoteFile(name=f"{number}.txt", size=100, mtime=1) for number in range(300)]
with source.connect(settings) as opened:
    reasons = [outcome.reason for outcome in opened.fetch(files)]
status = Path("/proc/self/status").read_text()
print(json.dumps([reasons, int(status.split("VmHWM:")[1].split()[0])]))
"""

ANSWERS_TO_REFUSE: dict[str, Twist] = {
    "an id that was never asked": on(
        sftp_wire.READ, lambda number, answer: answer[:5] + b"\xff\xff\xff\xff" + answer[9:]
    ),
    "the same answer twice": on(sftp_wire.READ, lambda number, answer: answer * 2),
    "data for an open": on(
        sftp_wire.OPEN, lambda number, _: packet(sftp_wire.DATA, number + sftp_wire.string(b"h"))
    ),
    "attributes for a read": on(sftp_wire.READ, lambda number, _: packet(sftp_wire.ATTRS, number + attributes(1))),
    "data for an fstat": on(
        sftp_wire.FSTAT, lambda number, _: packet(sftp_wire.DATA, number + sftp_wire.string(b"x"))
    ),
    "a handle for a close": on(
        sftp_wire.CLOSE, lambda number, _: packet(sftp_wire.HANDLE, number + sftp_wire.string(b"h"))
    ),
    "a handle of a megabyte": on(
        sftp_wire.OPEN, lambda number, _: packet(sftp_wire.HANDLE, number + sftp_wire.string(bytes(1 << 19)))
    ),
    "a greeting in between": on(
        sftp_wire.OPEN, lambda number, answer: packet(sftp_wire.VERSION, struct.pack(">I", 3)) * 2 + answer
    ),
    "a packet of four gigabytes": on(sftp_wire.OPEN, lambda number, answer: b"\xff" * 4 + answer[4:]),
    "a string longer than its packet": on(
        sftp_wire.READ, lambda number, _: packet(sftp_wire.DATA, number + b"\xff\xff\xff\xffabc")
    ),
    "junk without end": on(sftp_wire.READ, lambda number, answer: packet(104, b"\xfe" * 30) * 100),
}


@pytest.mark.parametrize("twist", ANSWERS_TO_REFUSE.values(), ids=ANSWERS_TO_REFUSE)
def test_protocol_violation_ends_the_connection(serve: Callable[[PacketServer], TestServer], twist: Twist) -> None:
    """Wrong ids, kinds and lengths and unrequested packets are one error at once."""
    server = serve(PacketServer(5, 1_000, twist))
    with sftp_source.connect(server.settings()) as source:
        fetched = source.fetch(files(5, 1_000))
        with pytest.raises(SourceError, match="sent an answer that is not SFTP"):
            list(fetched)


@pytest.mark.parametrize("request_", ["readdir", "stat"])
def test_invalid_ids_end_a_listing(serve: Callable[[PacketServer], TestServer], request_: str) -> None:
    """A listing whose answers have other ids ends."""
    kind = {"readdir": sftp_wire.READDIR, "stat": sftp_wire.STAT}[request_]
    twist = on(kind, lambda number, answer: answer[:5] + b"\xff\xff\xff\xff" + answer[9:])
    server = serve(PacketServer(5, 1_000, twist))

    def look() -> None:
        with sftp_source.connect(server.settings()) as source:
            source.list_files()

    with pytest.raises(SourceError, match="sent an answer that is not SFTP"):
        look()


def test_wrong_sizes_are_rejected(serve: Callable[[PacketServer], TestServer]) -> None:
    """A listed size of 2^64-1 is not requested; a size below the real one is not accepted."""
    server = serve(PacketServer(3, 2**64 - 1))
    with sftp_source.connect(server.settings()) as source:
        found = list(source.fetch(files(3, 2**64 - 1)))
        assert all(isinstance(outcome, Failed) and "too large" in outcome.reason for outcome in found)
        assert len(found) == 3
        (short,) = source.fetch(files(1, 10))
        assert isinstance(short, Failed)


def test_responses_in_any_order_are_matched_by_id() -> None:
    """Delayed and reversed answers give the same files, because ids are compared."""
    held: list[bytes] = []

    def reverse(kind: int, _body: bytes, answer: bytes) -> bytes:
        held.append(answer)
        if kind in (sftp_wire.READ, sftp_wire.FSTAT) and len(held) % 7:
            return b""
        out = b"".join(reversed(held))
        held.clear()
        return out

    class Flushing(PacketServerChannel):
        def recv(self, nbytes: int) -> bytes:
            self._out += b"".join(reversed(held))
            held.clear()
            return super().recv(nbytes)

    hand = PacketServer(50, 40_000, reverse)
    found = list(pipelined(Wire(Flushing(hand), 1), b"/", files(50, 40_000)))
    assert [len(outcome.content) for outcome in found if isinstance(outcome, Fetched)] == [40_000] * 50


@given(data=st.data(), request=st.sampled_from(range(3, 9)))
def test_damaged_response_returns_no_wrong_file(data: st.DataObject, request: int) -> None:
    """If any byte of any answer differs, no wrong file is returned."""

    def damage(answer: bytes) -> bytes:
        place = data.draw(st.integers(0, len(answer) - 1))
        change = data.draw(st.sampled_from(["flip", "cut", "repeat", "insert"]))
        junk = data.draw(st.binary(min_size=1, max_size=8))
        match change:
            case "flip":
                return answer[:place] + junk + answer[place + len(junk) :]
            case "cut":
                return answer[:place]
            case "repeat":
                return answer + answer[place:]
        return answer[:place] + junk + answer[place:]

    hand = PacketServer(4, 300, on(request, lambda number, answer: damage(answer)))
    try:
        outcomes = fetch_all(hand)
    except (NotSftpError, EOFError, OSError):
        return
    assert len(outcomes) == 4
    for outcome in outcomes:
        assert isinstance(outcome, Failed) or len(outcome.content) == 300


@given(names=st.lists(st.binary(max_size=300), max_size=40))
def test_listed_names_are_safe_or_refused(names: list[bytes]) -> None:
    """Every accepted name is a plain printable file name; refused names are printed safely."""
    listed: list[RemoteFile] = []
    refused: list[Refused] = []
    for name in names:
        sftp_source._sort_in(name, sftp_wire.Attributes(10, 0o100644, MTIME), listed, refused)
    for file in listed:
        assert file.name.isprintable()
        assert "/" not in file.name
        assert file.name not in {"", ".", ".."}
        assert len(file.name.encode()) <= 255
    assert all(name.name.isprintable() for name in refused)
