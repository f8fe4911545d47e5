"""Errors during a sync: the report, the exit code, and the recovery by the next run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import psycopg
import pytest

from etstats.db.connection import connect
from etstats.db.locks import run_lock
from etstats.demo.generator import GeneratedFile
from tests.conftest import CliResult
from tests.pipeline.conftest import Database, Game, configure
from tests.support.processes import etstats, until
from tests.support.sftp_server import free_port

Cli = Callable[..., CliResult]


@contextmanager
def writes_blocked(url: str) -> Iterator[psycopg.Connection]:
    """Block writes of files to the database in the block; reads continue."""
    with connect(url) as holder:
        holder.execute("LOCK TABLE processed_files IN EXCLUSIVE MODE")
        yield holder


WAITING = "SELECT max(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
OTHERS = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def test_unreachable_server_does_not_affect_others(
    cli: Cli, start_server: Callable[..., Game], home: Path, database: Database, files: list[GeneratedFile]
) -> None:
    """If one of two servers is down, the other's files are imported, and the exit code is 75."""
    alive, dead = start_server("alive"), start_server("dead", port=free_port())
    alive.write(*files)
    configure(home, dead, alive)
    done = cli("sync")
    assert done.code == 75
    assert database.rounds == len(files)
    complaints = [line for line in done.err.splitlines() if line.startswith("etstats: ")]
    assert len(complaints) == 1
    assert "127.0.0.1" in complaints[0]
    assert f"{len(files)} imported" in done.err
    again = cli("sync").err
    assert "nothing imported" in again
    assert "nothing new" not in again  # on the dead server this is not known


def test_equal_file_names_on_two_servers_are_separate(
    cli: Cli, start_server: Callable[..., Game], home: Path, database: Database, files: list[GeneratedFile]
) -> None:
    """Equal file names on two servers are separate rounds; a refused file is reported with its server."""
    games = start_server("north"), start_server("south")
    for game in games:
        game.write(*files)
    games[1].server.faults.deny.add(files[0].name)
    configure(home, *games)
    done = cli("sync")
    assert done.code == 75
    assert f"south: not fetched: {files[0].name}: " in done.err
    assert database.rounds == 2 * len(files) - 1
    games[1].server.faults.deny.clear()
    assert cli("sync").code == 0
    assert database.rounds == 2 * len(files)


def test_only_the_named_server_is_polled(
    cli: Cli, start_server: Callable[..., Game], home: Path, database: Database, files: list[GeneratedFile]
) -> None:
    """`--server` polls one server; an unknown name is an error with the valid names."""
    games = start_server("north"), start_server("south")
    for game in games:
        game.write(*files)
    configure(home, *games)
    assert cli("sync", "--server", "south").code == 0
    assert (games[0].server.logins, database.rounds) == (0, len(files))
    wrong = cli("sync", "--server", "east")
    assert wrong.code == 2
    assert "north, south" in wrong.err


def test_changed_host_key_is_refused(cli: Cli, game: Game, database: Database) -> None:
    """A changed host key: exit code 4, one line, nothing fetched."""
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()[:2]
    game.server.known_hosts.write_text(f"[127.0.0.1]:{game.server.port} {' '.join(other)}\n")
    done = cli("-q", "sync")
    assert (done.code, done.out, database.names()) == (4, "", [])
    assert done.err.startswith("etstats: ")
    assert "changed" in done.err
    assert "SHA256:" in done.err


def test_unknown_host_key_shows_the_fingerprint(cli: Cli, game: Game, database: Database) -> None:
    """An unknown host key is refused, with its fingerprint and the command to trust it."""
    game.server.known_hosts.write_text("")
    done = cli("-q", "sync")
    assert (done.code, database.names()) == (4, [])
    assert "SHA256:" in done.err
    assert "--trust" in done.err


def test_refused_key_exits_with_4(cli: Cli, game: Game, home: Path, database: Database, tmp_path: Path) -> None:
    """A key that the server refuses: exit code 4."""
    stranger = tmp_path / "stranger"
    stranger.touch(mode=0o600)
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(stranger))
    game.options["key_file"] = str(stranger)
    configure(home, game)
    done = cli("-q", "sync")
    assert (done.code, database.names()) == (4, [])


def test_second_run_exits_with_75(cli: Cli, game: Game, database: Database, database_url: str) -> None:
    """While one run is active, another exits with 75, with a message unless `-q`."""
    with connect(database_url) as conn, run_lock(conn):
        assert cli("-q", "sync") == CliResult(code=75, out="", err="")
        loud = cli("sync")
        assert (loud.code, "nother etstats run" in loud.err) == (75, True)
        assert game.server.logins == 0
    assert cli("-q", "sync").code == 0


def test_run_killed_before_the_import_loses_nothing(
    cli: Cli, game: Game, database: Database, database_url: str, local: Path, files: list[GeneratedFile]
) -> None:
    """After SIGKILL before the import no copy exists, and the next run imports everything."""
    with writes_blocked(database_url):
        with etstats("-q", "sync"):
            until(lambda: database.value(WAITING) is not None)
        assert database.names() == []
        assert not local.exists() or list(local.iterdir()) == []
    until(lambda: database.value(OTHERS) == 0)
    done = cli("-q", "sync")
    assert done == CliResult(code=0, out="", err="")
    assert database.rounds == len(files)
    assert {path.name for path in local.iterdir()} == {file.name for file in files}


def test_database_lost_during_a_run_is_temporary(
    cli: Cli, game: Game, database: Database, database_url: str, files: list[GeneratedFile]
) -> None:
    """If the database is lost during a run: exit code 75, one line, and the next run recovers."""
    with writes_blocked(database_url) as holder:
        with etstats("-q", "sync") as sync:
            until(lambda: database.value(WAITING) is not None)
            holder.execute("SELECT pg_terminate_backend(%s)", [database.value(WAITING)])
            ended = sync.finish()
    assert (ended.returncode, ended.stdout) == (75, "")
    assert ended.stderr.startswith("etstats: The database failed")
    assert len(ended.stderr.splitlines()) <= 2
    assert cli("-q", "sync") == CliResult(code=0, out="", err="")
    assert database.rounds == len(files)


def test_unreachable_database_contacts_no_server(cli: Cli, game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a database the server is not contacted: exit code 75."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", f"postgresql://etstats@127.0.0.1:{free_port()}/etstats")
    done = cli("-q", "sync")
    assert (done.code, game.server.logins) == (75, 0)
    assert "cannot be reached" in done.err


def test_connection_lost_inside_a_file_keeps_complete_files(
    cli: Cli, game: Game, database: Database, local: Path, files: list[GeneratedFile]
) -> None:
    """Files completed before a lost connection are kept, no partial file is left, the next run continues."""
    game.server.faults.drop_in.add(files[-1].name)
    done = cli("-q", "sync")
    assert done.code == 75
    assert all(path.read_bytes() in {file.content for file in files} for path in local.glob("*"))
    game.server.faults.drop_in.clear()
    assert cli("-q", "sync").code == 0
    assert database.rounds == len(files)


def test_file_deleted_after_the_listing_is_skipped(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """A file deleted after the listing is not an error; the others are imported."""

    def remove(name: str) -> None:
        if name == files[2].name:
            (game.root / name).unlink(missing_ok=True)

    game.server.faults.before_open = remove
    done = cli("-q", "sync")
    assert done.code == 0
    assert database.rounds == len(files) - 1


def test_unreadable_file_is_reported_and_fetched_later(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """A file without read permission is reported, and fetched when it becomes readable."""
    game.server.faults.deny.add(files[2].name)
    done = cli("-q", "sync")
    assert done.code != 0
    assert files[2].name in done.err
    assert "ermission denied" in done.err
    assert database.rounds == len(files) - 1
    game.server.faults.deny.clear()
    assert cli("-q", "sync") == CliResult(code=0, out="", err="")
    assert database.rounds == len(files)


def test_unexpected_files_are_skipped(
    cli: Cli, game: Game, database: Database, home: Path, files: list[GeneratedFile]
) -> None:
    """Huge files, links out of the folder and other names are skipped; rounds are imported."""
    with (game.root / "2025-10-02-200001-supply-round-1.txt").open("wb") as huge:
        huge.truncate(2 * 2**30)
    (game.root / "2025-10-02-200002-supply-round-1.txt").symlink_to("/etc/passwd")
    (game.root / "..\\..\\evil-round-1.txt").write_text("x")
    (game.root / "2025-10-02-200003-supply-round-1.txt").mkdir()
    cli("-q", "sync")
    assert database.rounds == len(files)
    copies = [path.name for path in (home / "data" / "gamestats").rglob("*.txt")]
    assert sorted(copies) == sorted(file.name for file in files)


def test_unwritable_local_folder_loses_nothing(
    cli: Cli, game: Game, database: Database, home: Path, files: list[GeneratedFile], log: Callable[[], str]
) -> None:
    """Without a writable local folder the files are imported, and the log reports it."""
    (home / "data").mkdir()
    (home / "data" / "gamestats").write_text("in the way")
    done = cli("-q", "sync")
    assert database.rounds == len(files)
    assert (done.code, done.err) == (0, "")
    assert "no local copy" in log()
