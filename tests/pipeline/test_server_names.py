"""Renaming a server, by command or in the settings."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tomlkit

from tests.conftest import CliResult
from tests.pipeline.conftest import Database
from tests.support.files import GUIDS, File, line, round_file

Cli = Callable[..., CliResult]
ZONE = "Europe/Ljubljana"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with one map played around the spring clock change."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    one = [line(guid, team=team) for guid, team in zip(GUIDS, (1, 1, 2, 2), strict=True)]
    for file in (
        round_file("2026-03-29-015800", 1, one, actual="10:00", winner=1),
        round_file("2026-03-29-030600", 1, one, map_name="radar", actual="10:00", winner=1),
    ):
        put(folder, file)
    return folder


def put(folder: Path, file: File) -> None:
    (folder / file.name).write_bytes(file.content)


@pytest.fixture
def configure(home: Path, source: Path) -> Callable[..., None]:
    """Write the settings with servers of these names, all with the same folder."""

    def write(*names: str) -> None:
        path = home / ".config" / "etstats" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        sections = (f'[[servers]]\nname = "{name}"\npath = "{source}"\ntimezone = "{ZONE}"\n' for name in names)
        path.write_text("".join(sections))

    return write


def servers(cli: Cli) -> dict[str, int]:
    """Return the number of rounds of each server."""
    found: dict[str, int] = {}
    for row in json.loads(cli("rounds", "--json").out):
        found[row["server"]] = found.get(row["server"], 0) + 1
    return found


@pytest.mark.parametrize("command", ["sync", "import"])
def test_renamed_server_is_recognized(
    cli: Cli, database: Database, source: Path, configure: Callable[..., None], command: str
) -> None:
    """Nothing is imported twice, new files are imported; the time zone is kept by rebuilds."""
    configure("public")
    assert cli("sync").code == 0
    ended = database.value("SELECT array_agg(ended_at ORDER BY id) FROM rounds")
    configure("renamed")
    assert cli("rebuild", "--yes").code == 0
    assert cli("rebuild", "--verify").code == 0
    assert database.value("SELECT array_agg(ended_at ORDER BY id) FROM rounds") == ended
    put(source, round_file("2026-03-29-031500", 1, map_name="goldrush"))
    done = cli(command, *([source] if command == "import" else []))
    assert (done.code, 'it was named "public"' in done.err) == (0, True)
    assert "1 imported, 2 known" in done.err
    assert servers(cli) == {"renamed": 3}
    assert database.value("SELECT count(*) FROM servers") == 1
    assert "content_on_two_servers" not in cli("validate", "--json").out


def test_equal_files_on_two_servers_are_a_finding(cli: Cli, configure: Callable[..., None]) -> None:
    """If two configured servers have the same files, validate reports that they count twice."""
    configure("one", "two")
    synced = cli("sync")
    assert (synced.code, "the first 2 files count for server" in synced.err) == (0, True)
    assert servers(cli) == {"one": 2, "two": 2}
    found = [
        finding
        for finding in json.loads(cli("validate", "--json").out)
        if finding["check"] == "content_on_two_servers"
    ]
    assert [(finding["server"], finding["severity"]) for finding in found] == [("two", "warning")] * 2


def test_mistyped_server_is_named(cli: Cli, source: Path, configure: Callable[..., None]) -> None:
    """`import --server` with a name like that of another server, or with its files, says so."""
    configure("main")
    assert "new server" not in cli("import", source, "--server", "main").err
    mistyped = cli("import", source, "--server", "mian").err
    assert '"mian" is a new server, and there is one named "main"' in mistyped
    assert 'mian: 2 of the first 2 files count for server "main", too' in mistyped
    assert "new server" not in cli("import", source, "--server", "archive").err + cli("-q", "sync").err


def test_rename_server_moves_everything(
    cli: Cli, database: Database, home: Path, source: Path, configure: Callable[..., None]
) -> None:
    """Rounds, local copies and corrections are renamed; the next sync has nothing to do."""
    configure("main")
    assert cli("sync").code == 0
    database.conn.execute(
        "INSERT INTO corrections (kind, subject) VALUES ('void', 'main/x.txt'), ('void', 'main/y/x.txt')"
    )
    database.conn.commit()
    done = cli("db", "rename-server", "main", "public")
    assert (done.code, done.out) == (0, "")
    assert 'set name = "public" in the settings too' in done.err
    configure("public")
    assert servers(cli) == {"public": 2}
    assert "nothing new" in cli("sync").err
    copies = home / "data" / "gamestats"
    assert [folder.name for folder in copies.iterdir()] == ["public"]
    subjects = database.value("SELECT array_agg(subject ORDER BY id) FROM corrections")
    assert subjects == ["public/x.txt", "main/y/x.txt"]


def test_server_without_files_does_not_block_its_name(
    cli: Cli, database: Database, configure: Callable[..., None]
) -> None:
    """A server without files does not block its name, even with stored state and live messages."""
    configure("main")
    assert cli("sync").code == 0
    database.conn.execute("INSERT INTO servers (name) VALUES ('public')")
    database.conn.execute(
        "INSERT INTO notices (kind, subject, server_id, channel, state, created_at)"
        " SELECT 'status', id::text, id, repeat('a', 32), 'pending', now() FROM servers"
    )
    database.conn.commit()
    assert cli("db", "rename-server", "main", "public").code == 0
    assert database.value("SELECT count(*) FROM notices") == 1


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("main", "other"), "has 2 files of its own"),
        (("nain", "new"), 'no server "nain" in the database; there is: main'),
        (("main", "../up"), "invalid server name"),
        (("main", ""), "invalid server name"),
    ],
)
def test_invalid_rename_changes_nothing(
    cli: Cli, source: Path, configure: Callable[..., None], names: tuple[str, str], reason: str
) -> None:
    """A name with files, an unknown one, or an invalid one: exit code 2, nothing changed."""
    configure("main")
    assert cli("sync").code == 0
    assert cli("import", source, "--server", "other").code == 0
    done = cli("db", "rename-server", *names)
    assert (done.code, done.out, reason in done.err) == (2, "", True)
    assert servers(cli) == {"main": 2, "other": 2}


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "a/b", " main", "a\nb"])
def test_invalid_server_name_is_refused_everywhere(
    cli: Cli, database: Database, source: Path, home: Path, name: str
) -> None:
    """`import --server`, `db rename-server` and the settings have the same rule."""
    imported = cli("import", "--server", name, source)
    assert (imported.code, "invalid server name" in imported.err) == (2, True), imported.err
    assert cli("import", source).code == 0
    renamed = cli("db", "rename-server", "main", name)
    assert (renamed.code, "invalid server name" in renamed.err) == (2, True), renamed.err
    path = home / "settings.toml"
    path.write_text(tomlkit.dumps({"servers": [{"name": name, "path": str(source)}]}))
    loaded = cli("--config", path, "config", "show")
    assert (loaded.code, "name: " in loaded.err) == (2, True), loaded.err
