"""What goes wrong around a sync: who is told, with which exit code, and that the next run makes it good."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import psycopg
import pytest

from etstats.db.connection import connect, run_lock
from etstats.demo.generator import GeneratedFile
from tests.conftest import CliResult
from tests.pipeline.conftest import Base, Game, configure, until
from tests.sync.server import free_port

Cli = Callable[..., CliResult]


@contextmanager
def held_back(url: str) -> Iterator[psycopg.Connection]:
    """Nobody can write a file to the database until the block is left; reading goes on."""
    with connect(url) as holder:
        holder.execute("LOCK TABLE processed_files IN EXCLUSIVE MODE")
        yield holder


WAITING = "SELECT max(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
OTHERS = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def etstats(*arguments: str) -> subprocess.Popen[str]:
    """The command as a process of its own, with the test's environment."""
    argv = [sys.executable, "-m", "etstats", *arguments]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_dead_server_fails_alone(
    cli: Cli, start_server: Callable[..., Game], home: Path, base: Base, files: list[GeneratedFile]
) -> None:
    """With one of two servers down the other's files are in, and the exit code is that of a temporary failure."""
    alive, dead = start_server("alive"), start_server("dead", port=free_port())
    alive.write(*files)
    configure(home, dead, alive)
    done = cli("sync")
    assert done.code == 75
    assert base.rounds == len(files)
    complaints = [line for line in done.err.splitlines() if line.startswith("etstats: ")]
    assert len(complaints) == 1
    assert "127.0.0.1" in complaints[0]
    assert f"{len(files)} imported" in done.err


def test_two_servers_with_equal_names_are_two_servers(
    cli: Cli, start_server: Callable[..., Game], home: Path, base: Base, files: list[GeneratedFile]
) -> None:
    """Rounds of two servers that bear the same file names do not meet; a file refused on one is named with it."""
    games = start_server("north"), start_server("south")
    for game in games:
        game.write(*files)
    games[1].server.faults.deny.add(files[0].name)
    configure(home, *games)
    done = cli("sync")
    assert done.code == 75
    assert f"not to be had from south: {files[0].name}: " in done.err
    assert base.rounds == 2 * len(files) - 1
    games[1].server.faults.deny.clear()
    assert cli("sync").code == 0
    assert base.rounds == 2 * len(files)


def test_only_the_named_server_is_asked(
    cli: Cli, start_server: Callable[..., Game], home: Path, base: Base, files: list[GeneratedFile]
) -> None:
    """`--server` leaves the others alone, and a name that is none says which there are."""
    games = start_server("north"), start_server("south")
    for game in games:
        game.write(*files)
    configure(home, *games)
    assert cli("sync", "--server", "south").code == 0
    assert (games[0].server.logins, base.rounds) == (0, len(files))
    wrong = cli("sync", "--server", "east")
    assert wrong.code == 2
    assert "north, south" in wrong.err


def test_changed_host_key_is_refused_with_the_way_out(cli: Cli, game: Game, base: Base) -> None:
    """A host key that is not the known one: exit code 4, one line, nothing taken."""
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()[:2]
    game.server.known_hosts.write_text(f"[127.0.0.1]:{game.server.port} {' '.join(other)}\n")
    done = cli("-q", "sync")
    assert (done.code, done.out, base.names()) == (4, "", [])
    assert done.err.startswith("etstats: ")
    assert "changed" in done.err
    assert "SHA256:" in done.err


def test_unknown_host_key_names_the_fingerprint(cli: Cli, game: Game, base: Base) -> None:
    """A host never seen before is refused, with its fingerprint and the command that trusts it."""
    game.server.known_hosts.write_text("")
    done = cli("-q", "sync")
    assert (done.code, base.names()) == (4, [])
    assert "SHA256:" in done.err
    assert "--trust" in done.err


def test_refused_key_is_exit_code_4(cli: Cli, game: Game, home: Path, base: Base, tmp_path: Path) -> None:
    """A key that the server does not know is a matter for a person."""
    stranger = tmp_path / "stranger"
    stranger.touch(mode=0o600)
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(stranger))
    game.options["key_file"] = str(stranger)
    configure(home, game)
    done = cli("-q", "sync")
    assert (done.code, base.names()) == (4, [])


def test_second_run_leaves_the_first_alone(cli: Cli, game: Game, base: Base, database_url: str) -> None:
    """While one run is running another ends with 75: with a word, or under `-q` without one."""
    with connect(database_url) as conn, run_lock(conn):
        assert cli("-q", "sync") == CliResult(code=75, out="", err="")
        loud = cli("sync")
        assert (loud.code, "nother etstats run" in loud.err) == (75, True)
        assert game.server.logins == 0
    assert cli("-q", "sync").code == 0


def test_run_killed_before_the_import_loses_nothing(
    cli: Cli, game: Game, base: Base, database_url: str, local: Path, files: list[GeneratedFile]
) -> None:
    """SIGKILL while the database is waited for: no copy exists before its import, and the next run does all."""
    with held_back(database_url):
        run = etstats("-q", "sync")
        try:
            until(lambda: base.value(WAITING) is not None)
        finally:
            run.kill()
            run.communicate(timeout=30)
        assert base.names() == []
        assert not local.exists() or list(local.iterdir()) == []
    until(lambda: base.value(OTHERS) == 0)
    done = cli("-q", "sync")
    assert done == CliResult(code=0, out="", err="")
    assert base.rounds == len(files)
    assert {path.name for path in local.iterdir()} == {file.name for file in files}


def test_base_lost_in_mid_run_is_temporary(
    cli: Cli, game: Game, base: Base, database_url: str, files: list[GeneratedFile]
) -> None:
    """A database that goes away under the run: exit code 75, one line, and the next run makes it good."""
    with held_back(database_url) as holder:
        run = etstats("-q", "sync")
        try:
            until(lambda: base.value(WAITING) is not None)
            holder.execute("SELECT pg_terminate_backend(%s)", [base.value(WAITING)])
            out, err = run.communicate(timeout=60)
        finally:
            run.kill()
    assert (run.returncode, out) == (75, "")
    assert err.startswith("etstats: The database failed")
    assert len(err.splitlines()) <= 2
    assert cli("-q", "sync") == CliResult(code=0, out="", err="")
    assert base.rounds == len(files)


def test_base_that_is_down_asks_nothing_of_the_server(
    cli: Cli, game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a database there is nothing to compare with: 75 before the server is troubled."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", f"postgresql://etstats@127.0.0.1:{free_port()}/etstats")
    done = cli("-q", "sync")
    assert (done.code, game.server.logins) == (75, 0)
    assert "cannot be reached" in done.err


def test_connection_dropped_in_mid_file_without_polling(
    cli: Cli, game: Game, base: Base, local: Path, files: list[GeneratedFile]
) -> None:
    """What was whole before the line broke counts, nothing half-written lies about, and the next run goes on."""
    game.server.faults.drop_in.add(files[-1].name)
    done = cli("-q", "sync")
    assert done.code == 75
    assert all(path.read_bytes() in {f.content for f in files} for path in local.glob("*"))
    game.server.faults.drop_in.clear()
    assert cli("-q", "sync").code == 0
    assert base.rounds == len(files)


def test_file_that_vanishes_after_the_listing_harms_nobody(
    cli: Cli, game: Game, base: Base, files: list[GeneratedFile]
) -> None:
    """A file removed between listing and opening is not a failure: the rest is in, and nothing needs a person."""

    def remove(name: str) -> None:
        if name == files[2].name:
            (game.root / name).unlink(missing_ok=True)

    game.server.faults.before_open = remove
    done = cli("-q", "sync")
    assert done.code == 0
    assert base.rounds == len(files) - 1


def test_file_that_is_listed_and_then_denied_is_named_and_taken_later(
    cli: Cli, game: Game, base: Base, files: list[GeneratedFile]
) -> None:
    """The rest is in, the one that may not be read is said to be missing, and comes once it may be read."""
    game.server.faults.deny.add(files[2].name)
    done = cli("-q", "sync")
    assert done.code != 0
    assert files[2].name in done.err
    assert "ermission denied" in done.err
    assert base.rounds == len(files) - 1
    game.server.faults.deny.clear()
    assert cli("-q", "sync") == CliResult(code=0, out="", err="")
    assert base.rounds == len(files)


def test_what_no_game_server_shows_stays_outside(
    cli: Cli, game: Game, base: Base, home: Path, files: list[GeneratedFile]
) -> None:
    """Two gigabytes under a round's name, a link out of the folder, and names of other things: the rest is in."""
    with (game.root / "2025-10-02-200001-supply-round-1.txt").open("wb") as huge:
        huge.truncate(2 * 2**30)
    (game.root / "2025-10-02-200002-supply-round-1.txt").symlink_to("/etc/passwd")
    (game.root / "..\\..\\evil-round-1.txt").write_text("x")
    (game.root / "2025-10-02-200003-supply-round-1.txt").mkdir()
    cli("-q", "sync")
    assert base.rounds == len(files)
    copies = [path.name for path in (home / "data" / "gamestats").rglob("*.txt")]
    assert sorted(copies) == sorted(file.name for file in files)


def test_local_folder_that_cannot_be_written_loses_nothing(
    cli: Cli, game: Game, base: Base, home: Path, files: list[GeneratedFile], log: Callable[[], str]
) -> None:
    """The copy is a convenience: where none can be kept the database has the bytes, and the log says so."""
    (home / "data").mkdir()
    (home / "data" / "gamestats").write_text("in the way")
    done = cli("-q", "sync")
    assert base.rounds == len(files)
    assert (done.code, done.err) == (0, "")
    assert "no local copy" in log()
