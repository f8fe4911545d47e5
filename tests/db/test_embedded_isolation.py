"""The embedded PostgreSQL with copied folders, other local users, unusual paths and libpq's environment."""

import multiprocessing
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from etstats.db import embedded
from etstats.db.connection import connect
from etstats.db.embedded import address
from etstats.errors import ConfigError, DatabaseError
from tests.support.processes import kill

LONG = Path("l" * 100)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes the part of another user, which only root can")


@pytest.fixture(scope="module")
def template(reachable_dir: Path) -> Path:
    """A data folder with a stopped server; copying it is faster than creating a new one."""
    made = reachable_dir / "template"
    embedded.ensure_running(made, durable=False)
    embedded.stop(made)
    return made


@pytest.fixture
def folder(reachable_dir: Path) -> Iterator[Path]:
    """A folder for data folders; every server below it is stopped at the end."""
    made = Path(tempfile.mkdtemp(dir=reachable_dir))
    made.chmod(0o711)
    yield made
    for found in made.rglob("postgres"):
        embedded.stop(found.parent)
    shutil.rmtree(made)


@pytest.fixture
def prepare(folder: Path, template: Path) -> Callable[[str | Path], Path]:
    """Create a data folder of that name from the template."""

    def make(name: str | Path) -> Path:
        copy(template, folder / name)
        return folder / name

    return make


def start(data_dir: Path) -> str:
    return embedded.ensure_running(data_dir, durable=False)


def copy(source: Path, target: Path, *, how: str = "-a") -> None:
    target.parent.mkdir(mode=0o711, exist_ok=True)
    subprocess.run(["cp", how, source, target], check=True, capture_output=True)


def crash(data_dir: Path) -> None:
    """Kill the server's main process."""
    pid = embedded.status(data_dir).pid
    assert pid
    kill(pid)


def rows(url: str) -> list[str]:
    with connect(url) as conn:
        return [text for (text,) in conn.execute("SELECT text FROM owner ORDER BY text")]


def add(url: str, text: str) -> None:
    with connect(url) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS owner (text text)")
        conn.execute("INSERT INTO owner VALUES (%s)", [text])


def works_in(url: str) -> Path:
    with connect(url) as conn:
        return Path((conn.execute("SHOW data_directory").fetchone() or ("",))[0])


@pytest.mark.parametrize(
    ("original", "copied"),
    [("original", "copy"), (LONG / "original", "copy"), ("original", LONG / "copy"), (LONG / "a", LONG / "b")],
    ids=["short", "long to short", "short to long", "long"],
)
@pytest.mark.parametrize("is_running", [True, False], ids=["running", "crashed"])
def test_copied_data_folder_has_its_own_server(
    folder: Path, prepare: Callable[[str | Path], Path], original: Path, copied: Path, is_running: bool
) -> None:
    """A copy has its own server and rows, whether the original runs or left a pid file."""
    here, there = prepare(original), folder / copied
    url = start(here)
    add(url, "both")
    with connect(url) as conn:
        conn.execute("CHECKPOINT")
    pid = embedded.status(here).pid
    if not is_running:
        crash(here)
    copy(here, there)
    assert not embedded.status(there).running
    assert not embedded.stop(there)
    copied_url = start(there)
    assert works_in(copied_url) == there / "postgres" / "18"
    add(copied_url, "copy")
    if is_running:
        assert embedded.status(here).pid == pid
    add(start(here), "original")
    assert rows(start(here)) == ["both", "original"]
    assert rows(start(there)) == ["both", "copy"]
    assert embedded.stop(there)
    assert rows(start(here)) == ["both", "original"]


def test_moved_data_folder_keeps_its_server(folder: Path, prepare: Callable[[str | Path], Path]) -> None:
    """The server of a folder moved while it ran continues at the new path."""
    add(embedded.ensure_running(prepare("old")), "kept")
    (folder / "old").rename(folder / "new")
    assert not embedded.status(folder / "new").running
    url = start(folder / "new")
    assert works_in(url) == folder / "new" / "postgres" / "18"
    assert rows(url) == ["kept"]


def test_second_path_starts_no_second_server(folder: Path, prepare: Callable[[str | Path], Path]) -> None:
    """If another path leads to the same files and socket, no second server is started."""
    url = start(prepare("original"))
    add(url, "kept")
    copy(folder / "original", folder / "links", how="-al")
    with pytest.raises(ConfigError, match=r"works in .*/original/postgres/18.*Stop it where it runs"):
        start(folder / "links")
    with pytest.raises(ConfigError, match="Stop it where it runs"):
        embedded.stop(folder / "links")
    assert rows(url) == ["kept"]
    shutil.rmtree(folder / "links")


CONTAINER = """
import sys
from pathlib import Path
from etstats.db import embedded
from etstats.db.connection import connect
from etstats.errors import ConfigError
data = Path(sys.argv[1])
with connect(embedded.ensure_running(data)) as conn:
    print(*(text for (text,) in conn.execute("SELECT text FROM owner")))
pid_file = data / "postgres" / "18" / "postmaster.pid"
saved = pid_file.read_text()
for text in (saved, saved.replace("ready   ", "starting")):
    pid_file.write_text(text)
    try:
        embedded.stop(data)
    except ConfigError as error:
        print("another container" in str(error))
try:
    embedded.ensure_running(data)
except ConfigError as error:
    print("another container" in str(error))
pid_file.write_text(saved)
"""


@as_root
def test_server_in_another_container_is_only_used(prepare: Callable[[str | Path], Path]) -> None:
    """A server in another PID namespace is used, but not stopped or restarted."""
    data = prepare("data")
    add(start(data), "kept")
    before = embedded.status(data)
    namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    command = [*namespace, sys.executable, "-c", CONTAINER, str(data)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert (done.stdout.split(), done.stderr) == (["kept", "True", "True", "True"], "")
    assert embedded.status(data) == before
    assert rows(start(data)) == ["kept"]


def test_server_of_another_folder_is_not_used(prepare: Callable[[str | Path], Path]) -> None:
    """A connection ends if the server works in another folder than the URL's."""
    data = prepare("one")
    url = start(data)
    other = conninfo_to_dict(address.url(data / "postgres" / "18"))["passfile"]
    wrong = make_conninfo(url, passfile=str(other).replace("/one/", "/two/"))
    with pytest.raises(ConfigError, match=r"works in .*/one/postgres/18, not in .*/two/postgres/18"):
        connect(wrong)


def _listen(path: str, uid: int, pipe: Pipe) -> None:
    """Listen as another user on a socket and send back what is received."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        Path(path).chmod(0o777)
        listener.listen()
        pipe.send(b"")
        while True:
            with closing(listener.accept()[0]) as peer:
                pipe.send(peer.recv(4096))


@contextmanager
def foreign_listener(path: Path) -> Iterator[Pipe]:
    """Let the user `nobody` listen on the socket; yield the pipe with the received bytes."""
    ours, theirs = multiprocessing.Pipe()
    arguments = (str(path), pwd.getpwnam("nobody").pw_uid, theirs)
    process = multiprocessing.get_context("fork").Process(target=_listen, args=arguments)
    process.start()
    try:
        assert ours.poll(30)
        ours.recv()
        yield ours
    finally:
        process.kill()
        process.join()
        path.unlink(missing_ok=True)


def received(pipe: Pipe) -> bytes:
    """Return all bytes that the listener has received so far."""
    found = b""
    while pipe.poll(0):
        found += pipe.recv()
    return found


@as_root
def test_foreign_listener_in_tmp_gets_no_connection(prepare: Callable[[str | Path], Path]) -> None:
    """After a crash, another user who listens at the predictable path in /tmp gets no connection."""
    data = prepare(LONG)
    url = start(data)
    place = address.socket_folder(data / "postgres" / "18")
    assert place.parent == Path("/tmp")
    crash(data)
    shutil.rmtree(place)
    nobody = pwd.getpwnam("nobody")
    place.mkdir(mode=0o755)
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    try:
        with foreign_listener(place / ".s.PGSQL.5432") as pipe:
            assert not embedded.status(data).running
            with pytest.raises(DatabaseError, match="requirepeer"):
                connect(url)
            assert works_in(start(data)) == data / "postgres" / "18"
            assert received(pipe) == b""
    finally:
        shutil.rmtree(place)
    assert works_in(start(data)) == data / "postgres" / "18"


@as_root
def test_foreign_listener_in_own_folder_gets_no_connection(prepare: Callable[[str | Path], Path]) -> None:
    """A socket of another user in a folder that is private now gets no connection."""
    data = prepare("data")
    url = start(data)
    crash(data)
    cluster = data / "postgres" / "18"
    (cluster / ".s.PGSQL.5432").unlink()
    cluster.chmod(0o777)
    with foreign_listener(cluster / ".s.PGSQL.5432") as pipe:
        cluster.chmod(0o700)
        with pytest.raises(ConfigError, match="A process of user nobody listens on"):
            start(data)
        with pytest.raises(DatabaseError, match="requirepeer"):
            connect(url)
        assert received(pipe) == b""
    assert works_in(start(data)) == cluster


@pytest.mark.parametrize("kind", ["open", "group", "file", "link", "foreign"])
def test_shared_socket_folder_is_avoided(folder: Path, prepare: Callable[[str | Path], Path], kind: str) -> None:
    """A socket folder that others own or can write to is left alone, and another one is used and kept."""
    data = prepare(LONG)
    start(data)
    embedded.stop(data)
    place = address.socket_folder(data / "postgres" / "18")
    with ExitStack() as stack:
        if kind == "file":
            place.touch()
            stack.callback(place.unlink)
        elif kind == "link":
            place.symlink_to(folder)
            stack.callback(place.unlink)
        else:
            if kind == "foreign" and os.geteuid() != 0:
                pytest.skip("only root can give a folder away")
            place.mkdir()
            owner = (data / "postgres" / "18").stat()
            if os.geteuid() == 0:
                os.chown(place, pwd.getpwnam("nobody").pw_uid if kind == "foreign" else owner.st_uid, -1)
            place.chmod({"open": 0o777, "group": 0o770, "foreign": 0o700}[kind])
            stack.callback(place.rmdir)
        url = start(data)
        other = address.socket_folder(data / "postgres" / "18")
        assert (works_in(url), other.parent, other == place) == (data / "postgres" / "18", place.parent, False)
        assert not list(place.glob(".s.PGSQL*"))
    assert start(data) == url
    embedded.stop(data)
    other.symlink_to("/nowhere")
    try:
        assert works_in(start(data)) == data / "postgres" / "18"
    finally:
        other.unlink()


@pytest.mark.parametrize(
    "name",
    [
        "back\\slash\\n",
        "quotes ' \" ''",
        " blanks around ",
        "comma,comma",
        "percent%20%s&host=/tmp",
        "č日本🎮",
        "$(touch x)`touch x`;#=@",
        "/".join(["x" * 200] * 3),
    ],
)
def test_server_works_below_any_printable_path(folder: Path, name: str) -> None:
    """A server starts, answers and stops below any printable path."""
    data = folder / name
    url = start(data)
    assert works_in(url) == data / "postgres" / "18"
    assert start(data) == url
    assert embedded.stop(data)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"new\nline", "must be UTF-8 without control characters"),
        (b"not utf-8 \xff", "must be UTF-8"),
        (b"/".join([b"x" * 250] * 4), "at most 900 bytes"),
        (b"x" * 256, "cannot use .*: File name too long"),
    ],
)
def test_invalid_path_is_refused(folder: Path, name: bytes, reason: str) -> None:
    """A path that PostgreSQL cannot use is refused with the reason, and nothing is created."""
    with pytest.raises(ConfigError, match=f"{reason}.*ETSTATS_DATA_DIR"):
        start(folder / os.fsdecode(name))
    assert list(folder.iterdir()) == []


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1))
def test_url_keeps_the_path(name: str) -> None:
    """libpq reads the same folders from the URL."""
    with tempfile.TemporaryDirectory() as parent:
        cluster = Path(parent) / name[:60]
        settings = {}
        if name[:60] not in {".", ".."}:
            cluster.mkdir()
            settings = {key: str(part) for key, part in conninfo_to_dict(address.url(cluster)).items()}
            assert settings["host"] == str(address.socket_folder(cluster))
            assert address.cluster_folder(settings) == cluster


HOSTILE = {
    "PGCLIENTENCODING": "LATIN1",
    "PGCONNECT_TIMEOUT": "soon",
    "PGDATESTYLE": "German",
    "PGGEQO": "maybe",
    "PGHOSTADDR": "127.0.0.1",
    "PGOPTIONS": "-c DateStyle=German -c default_transaction_read_only=on -c statement_timeout=1",
    "PGPASSFILE": "/etc/passwd",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGREQUIREPEER": "stranger",
    "PGSERVICE": "elsewhere",
    "PGSERVICEFILE": "/nowhere",
    "PGSYSCONFDIR": "/nowhere",
    "PGTARGETSESSIONATTRS": "standby",
    "PGTZ": "Asia/Tokyo",
}
LIBPQ = {option.envvar.decode() for option in psycopg.pq.Conninfo.get_defaults() if option.envvar}


@pytest.fixture(scope="module")
def running(reachable_dir: Path) -> Iterator[str]:
    """The URL of a running embedded server."""
    data = reachable_dir / "environment"
    yield start(data)
    embedded.stop(data)


@pytest.mark.parametrize("names", [*sorted({*LIBPQ, *HOSTILE}), "all"])
def test_libpq_environment_changes_nothing(
    running: str, names: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """No variable or file of libpq changes the connection or its answers."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".pgpass").write_text("*:*:*:*:secret\n")
    (tmp_path / ".pgpass").chmod(0o644)  # libpq would complain on stderr
    (tmp_path / ".pg_service.conf").write_text("[elsewhere]\nhost=127.0.0.1\n")
    for name in {*LIBPQ, *HOSTILE} if names == "all" else {names}:
        monkeypatch.setenv(name, HOSTILE.get(name, "nonsense"))
    before = dict(os.environ)
    with connect(running) as conn:
        conn.execute("CREATE TEMPORARY TABLE names AS SELECT %s::text AS name", ["Ž日本"])
        query = "SELECT name, '2025-03-01'::date::text, encode(name::bytea, 'hex') FROM names"
        row = conn.execute(query).fetchone()
        assert row == ("Ž日本", "2025-03-01", "Ž日本".encode().hex())
        assert conn.execute("SHOW TimeZone").fetchone() == ("UTC",)
        assert conn.info.user == "etstats"
    assert dict(os.environ) == before
    assert capfd.readouterr() == ("", "")
