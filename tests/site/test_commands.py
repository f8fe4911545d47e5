"""Tests of site build and site serve, and of the automatic update after imports."""

import hashlib
import http.client
import json
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from etstats.config import loader
from etstats.db.connection import connect
from etstats.pipeline import site_update
from etstats.pipeline.site_update import page_of
from etstats.post.publish import manual
from etstats.post.publish.rendering import render
from etstats.site.folder import MANIFEST, open_folder
from etstats.site.server import site_server
from tests.conftest import CliResult
from tests.support.files import GUIDS, line, round_file
from tests.support.processes import HANG_SECONDS, etstats, until

Cli = Callable[..., CliResult]


@pytest.fixture
def rounds(tmp_path: Path) -> Path:
    """Return a folder with a round file."""
    folder = tmp_path / "rounds"
    folder.mkdir()
    _add(folder, "2025-10-02-213000")
    return folder


def _add(folder: Path, stamp: str) -> Path:
    minutes = int(stamp[-6:-2])  # two files of one content would be one round
    file = round_file(stamp, lines=[line(damage_given=minutes), line(GUIDS[1], "eve", team=2)])
    path = folder / file.name
    path.write_bytes(file.content)
    return path


def test_second_build_writes_nothing(cli: Cli, rounds: Path, tmp_path: Path) -> None:
    """One line on stderr, none with -q; the folder is created."""
    cli("import", rounds)
    root = tmp_path / "new" / "site"
    first = cli("site", "build", root)
    assert (first.code, first.out) == (0, "")
    assert first.err.startswith("site: ")
    assert f"0 removed, 0 unchanged: {root}/index.html" in first.err
    second = cli("site", "build", root)
    assert "site: 0 files written (0 bytes), 0 removed" in second.err
    assert cli("-q", "site", "build", root) == CliResult(code=0, out="", err="")
    assert "site: 0 files written" in cli("site", "build", "--all", root).err


def test_build_migrates_an_empty_database(
    cli: Cli, tmp_path: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build migrates a database without tables, like other commands."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", empty_database_url)
    built = cli("site", "build", tmp_path / "site")
    assert (built.code, built.err[:6]) == (0, "site: ")
    assert "No rounds yet" in (tmp_path / "site/index.html").read_text()


def test_file_in_place_of_the_folder_is_refused(cli: Cli, rounds: Path, tmp_path: Path) -> None:
    """A folder below a file, and a broken link, are refused too."""
    (tmp_path / "link").symlink_to("nowhere")
    (file,) = rounds.iterdir()
    for place in (file, file / "site", tmp_path / "link"):
        refused = cli("site", "build", place)
        assert refused.code == 2
        assert f"{place} is not a folder" in refused.err


def test_folder_without_a_site_is_refused(cli: Cli, rounds: Path) -> None:
    """A folder without a site is not changed."""
    refused = cli("site", "build", rounds)
    assert refused.code == 2
    assert f"{rounds} is not empty and contains no site of etstats" in refused.err
    assert [path.name for path in rounds.iterdir()] == ["2025-10-02-213000-supply-round-1.txt"]
    assert cli("site", "build").code == 2
    nothing = cli("site", "serve", rounds)
    assert (nothing.code, "no site in" in nothing.err) == (2, True)


def test_second_build_waits_for_the_first(cli: Cli, tmp_path: Path) -> None:
    """A second build waits, and exits with 75 after the timeout."""
    with open_folder(tmp_path / "site"):
        held = cli("site", "build", tmp_path / "site", "--wait", "0")
    assert held.code == 75
    assert "another process is writing the site" in held.err


def test_imports_and_hide_update_the_site(
    cli: Cli, rounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With [site] path, import, hide and forget update the site; a failure is reported and loses nothing."""
    root = tmp_path / "site"
    monkeypatch.setenv("ETSTATS_SITE_PATH", str(root))
    assert cli("import", rounds).code == 0
    assert len(list((root / "rounds").glob("*/index.html"))) == 1
    _add(rounds, "2025-10-02-215000")
    assert cli("import", rounds).code == 0
    assert len(list((root / "rounds").glob("*/index.html"))) == 2
    guid = GUIDS[0]
    assert (root / "players" / guid).exists()
    assert cli("hide", guid).code == 0
    assert not (root / "players" / guid).exists()
    assert not any(guid.encode() in path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert cli("hide", guid, "--undo").code == 0
    assert (root / "players" / guid).exists()
    assert cli("forget", guid, "--yes").code == 0
    assert not any(guid.encode() in path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert cli("rebuild", "--yes").code == 0
    (root / MANIFEST).write_text("broken")
    _add(rounds, "2025-10-02-221000")
    failed = cli("import", rounds)
    assert failed.code == 2
    assert "1 imported" in failed.err
    assert "the changes are stored, but the site was not updated; run: etstats site build. " in failed.err
    assert len(json.loads(cli("rounds", "--json").out)) == 3


CHANGES = {
    "import": ("import", "MORE"),
    "hide": ("hide", GUIDS[0]),
    "forget": ("forget", GUIDS[0], "--yes"),
    "correct": ("correct", "rename", GUIDS[0], "Another"),
    "correct undo": ("correct", "undo", "1"),
    "rebuild": ("rebuild", "--yes"),
    "restore": ("restore", "latest", "--yes"),
    "quarantine retry": ("quarantine", "retry"),
    "rename": ("db", "rename-server", "main", "public"),
}


class KilledError(BaseException):
    """Stands for SIGKILL: no handler of the program runs."""


@pytest.mark.parametrize("name", CHANGES)
def test_next_sync_completes_a_killed_update(
    cli: Cli, rounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: psycopg.Connection, name: str
) -> None:
    """A sync without new files writes the changes of a killed command to the site."""
    root, more, config = tmp_path / "site", tmp_path / "more", tmp_path / "config.toml"
    server = "public" if name == "rename" else "main"
    config.write_text(f'[[servers]]\nname = "{server}"\npath = "{rounds}"\n[site]\npath = "{root}"\n')
    more.mkdir()
    _add(more, "2025-10-02-215000")
    assert cli("--config", config, "import", "--server", "main", rounds).code == 0
    if name == "correct undo":
        assert cli("--config", config, "correct", "rename", GUIDS[1], "Other").code == 0
    if name == "restore":
        assert cli("--config", config, "backup").code == 0
        assert cli("--config", config, "import", more).code == 0
    if name == "quarantine retry":
        _into_quarantine(db)
    before = _pages(root)
    with monkeypatch.context() as patch:
        patch.setattr(site_update, "build_site", _killed)
        with pytest.raises(KilledError):
            cli("--config", config, *(str(more) if word == "MORE" else word for word in CHANGES[name]))
    assert _pages(root) == before
    assert cli("--config", config, "sync").code == 0
    new = tmp_path / "new"
    assert cli("--config", config, "site", "build", new).code == 0
    assert _pages(root) == _pages(new)
    assert (_pages(root) == before) == (name == "rebuild")
    with monkeypatch.context() as patch:  # and once is enough
        patch.setattr(site_update, "build_site", _killed)
        assert cli("--config", config, "sync").code == 0


def test_a_state_folder_that_cannot_be_written_stops_no_command(
    cli: Cli, rounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site is updated, although an update that is killed would not be repeated."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ETSTATS_STATE_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("ETSTATS_SITE_PATH", str(tmp_path / "site"))
    assert cli("import", rounds).code == 0
    assert (tmp_path / "site" / MANIFEST).exists()


def _killed(*_arguments: object, **_options: object) -> None:
    raise KilledError


def _pages(root: Path) -> dict[Path, bytes]:
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _into_quarantine(db: psycopg.Connection) -> None:
    """Store a valid file as one that an older version could not read."""
    file = round_file("2025-10-02-215000", lines=[line(damage_given=50), line(GUIDS[1], "eve", team=2)])
    digest = hashlib.sha256(file.content).hexdigest()
    with db.transaction():
        db.execute(
            "INSERT INTO processed_files (server_id, filename, file_hash, size_bytes, content, source_hash,"
            " source_size, success, error_message)"
            " SELECT id, %s, %s, %s, %s, %s, %s, false, 'unknown' FROM servers",
            [file.name, digest, len(file.content), file.content, digest, len(file.content)],
        )


@pytest.mark.parametrize("url", ["stats.example.org", "https://", 'https://a"b', "ftp://x.org"])
def test_invalid_url_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The URL is validated, because it is on every page."""
    monkeypatch.setenv("ETSTATS_SITE_URL", url)
    refused = cli("rounds")
    assert refused.code == 2
    assert "ETSTATS_SITE_URL: invalid address" in refused.err


def test_site_url_is_not_a_secret(cli: Cli, tmp_path: Path) -> None:
    """The site's URL is not a secret, so the settings file may be readable by others."""
    config = tmp_path / "config.toml"
    config.write_text('[site]\nurl = "https://stats.example.org"\n')
    config.chmod(0o644)
    assert cli("--config", config, "rounds").code == 0
    config.write_text('[discord]\nwebhook_url = "https://discord.com/api/webhooks/1/a"\n')
    assert cli("--config", config, "rounds").code == 2


@contextmanager
def _serving(root: Path) -> Iterator[int]:
    """Return the port of `site serve`, which must exit with 0 on Ctrl-C."""
    with etstats("site", "serve", root, "--port", "0") as server:
        until(lambda: "\n" in server.err or server.poll() is not None)
        yield int(server.err.split("127.0.0.1:")[1].split("/")[0])
        server.send_signal(signal.SIGINT)
        assert server.wait() == 0


def test_serve_sends_pages_only(cli: Cli, rounds: Path, tmp_path: Path) -> None:
    """Pages have the headers of docs/site.md; no listing, no manifest, no path traversal; Ctrl-C exits with 0."""
    cli("import", rounds)
    root = tmp_path / "site"
    cli("site", "build", root)
    (root / ".hidden").write_text("secret")
    (tmp_path / "outside.html").write_text("secret")

    def get(path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_SECONDS)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 200:
            assert answer.getheader("Content-Security-Policy", "").startswith("default-src 'none'")
            assert "frame-ancestors 'none'" in answer.getheader("Content-Security-Policy", "")
        connection.close()
        return answer.status, body

    with _serving(root) as port:
        assert get("/")[0] == 200
        assert b"ET:Legacy stats" in get("/index.html")[1]
        assert get("/rounds/1/data.json")[0] == 200
        for path in (f"/{MANIFEST}", "/.hidden", "/rounds/", "/../outside.html", "/%2e%2e/outside.html", "/none"):
            assert get(path)[0] == 404, path
        for path in ("/%00", "/index.html%00", "/%ff", "/..%2foutside.html", "/rounds/..%2f.hidden", "/a" * 9000):
            assert get(path)[0] == 404, path


def test_serve_prints_nothing_for_a_client_that_goes_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A connection that is reset in the middle of a page, as browsers do it, is no error of the program."""
    (tmp_path / MANIFEST).write_text("{}")
    (tmp_path / "index.html").write_bytes(b" " * 50_000_000)  # more than the buffers of a connection hold
    server = site_server(tmp_path, 0)
    server.daemon_threads = False  # so that closing the server waits for the answers
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        with socket.create_connection(("127.0.0.1", server.server_port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert client.recv(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
    assert capsys.readouterr().err == ""


def test_posts_link_to_their_pages(
    cli: Cli, rounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """With [site] url the titles of posts link to pages that the build writes."""
    second = round_file(
        "2025-10-02-213800", 2, [line(rounds=2, damage_given=300), line(GUIDS[1], "eve", rounds=2)], limit="5:00"
    )
    (rounds / second.name).write_bytes(second.content)
    monkeypatch.setenv("ETSTATS_DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/1/a")
    monkeypatch.setenv("ETSTATS_SITE_URL", "https://stats.example.org/et/")
    assert cli("import", rounds).code == 0
    root = tmp_path / "site"
    cli("site", "build", root)
    config = loader.load()
    pages = page_of(config)
    assert pages is not None
    with connect(database_url) as conn:
        items = [manual.thing(conn, "round", "1"), manual.thing(conn, "session", "last")]
        items.append(manual.thing(conn, "map", "2025-10-02-213000-supply"))
        for item in items:
            url = str(render(conn, item, config.discord, pages).message.embeds[0].url)
            assert url.startswith("https://stats.example.org/et/")
            assert (root / url.removeprefix("https://stats.example.org/et/") / "index.html").exists(), url
        assert not render(conn, items[0], config.discord).message.embeds[0].url


def test_demo_writes_a_site(cli: Cli, tmp_path: Path) -> None:
    """`demo --site` writes several months of sessions to a new folder."""
    shown = cli("demo", "--site", tmp_path / "demo")
    assert shown.code == 0, shown.err
    assert "The Old Barn" in (tmp_path / "demo" / "index.html").read_text()
    assert len(list((tmp_path / "demo" / "sessions").glob("*/index.html"))) > 10
    (tmp_path / "demo" / "etstats-site.json").write_text('{"format": 1, "groups": {}}')
    refused = cli("demo", "--site", tmp_path / "demo")
    assert (refused.code, "that the demo did not build" in refused.err) == (2, True)


@pytest.mark.parametrize("option", ["--site", "--posts"])
def test_demo_keeps_folders_of_others(cli: Cli, tmp_path: Path, option: str) -> None:
    """`demo` refuses a file, and a folder with other files, before it starts anything."""
    (tmp_path / "index.html").touch()
    for place in (tmp_path, tmp_path / "index.html"):
        done = cli("demo", option, place)
        assert (done.code, done.out, "folder" in done.err) == (2, "", True)
