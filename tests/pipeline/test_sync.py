"""`etstats sync` with a game server and a database: what it fetches, skips and prints."""

import os
import pwd
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from etstats.config.environment import complete_environment
from etstats.demo.generator import GeneratedFile, Quirks, generate_session
from tests.conftest import CliResult
from tests.pipeline.conftest import START, ZONE, Database, Game, configure
from tests.support.files import cut

Cli = Callable[..., CliResult]


def test_first_run_fetches_everything_and_the_second_nothing(
    cli: Cli, game: Game, database: Database, local: Path, files: list[GeneratedFile]
) -> None:
    """The first run stores every round and keeps copies with the remote mtime; the second fetches nothing."""
    first = cli("sync")
    assert (first.code, first.out) == (0, "")
    assert f"sync: {len(files)} imported" in first.err
    assert database.names("success") == sorted(file.name for file in files)
    assert database.rounds == len(files)
    assert {path.name: (path.read_bytes(), int(path.stat().st_mtime)) for path in local.iterdir()} == {
        file.name: (file.content, file.mtime) for file in files
    }
    game.server.opened.clear()
    second = cli("sync")
    assert (second.code, game.server.opened) == (0, [])
    assert "nothing new" in second.err


def test_quiet_run_prints_nothing(cli: Cli, game: Game) -> None:
    """With `-q` nothing is printed, because cron mails all output."""
    for _ in range(2):
        assert cli("-q", "sync", "--post") == CliResult(code=0, out="", err="")


def test_other_files_are_not_fetched(cli: Cli, game: Game, database: Database, files: list[GeneratedFile]) -> None:
    """Weapon dumps, endstats, junk, folders and links with round names are not fetched."""
    stem = files[0].name.removesuffix(".txt")
    others = [f"{stem}_ws.txt", f"{stem}-endstats.txt", f"{stem}_endstats.txt", "notes.txt"]
    for name in others:
        game.put(name, files[0].content, files[0].mtime)
    (game.root / "2025-10-02-235959-supply-round-1.txt").mkdir()
    (game.root / "2025-10-02-235958-supply-round-1.txt").symlink_to(game.root / files[0].name)
    done = cli("sync")
    assert done.code == 0
    assert database.names() == sorted(file.name for file in files)
    assert set(game.server.opened) == {file.name for file in files}
    assert f"{len(others) + 2} skipped by name" in done.err


def test_names_that_look_like_rounds_are_reported(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """Refused names that end like a round file: reported once by sync, always by health and diagnose."""
    odd = {
        "2025-13-02-213000-supply-round-1.txt": "valid date",
        f"2025-10-02-213000-a\x1b[2J{'b' * 150}-round-1.txt": "control characters",
        "2025-10-02-213000-supply-round-3.txt": "valid date",
        "x2025-10-02-213000-supply-round-1.txt": "valid date",
    }
    for name in odd:
        game.put(name, files[0].content, files[0].mtime)
    first, second = cli("sync"), cli("sync")
    assert (first.code, second.code) == (3, 0)
    assert "4 refused by name" in first.err
    refused = [line for line in first.err.splitlines() if line.startswith("refused: ")]
    for reason in odd.values():
        assert any(reason in line for line in refused)
    assert "refused" not in second.err
    assert "BAD file names main refused by name: " in cli("health").out
    diagnosed = cli("diagnose")
    assert diagnosed.code == 3
    assert diagnosed.out.count("invalid file name") == 4
    assert database.rounds == len(files)
    for path in game.root.iterdir():
        if path.name in odd:
            path.unlink()
    assert cli("-v", "sync").code == 0
    assert "file names" not in cli("health").out


@pytest.mark.parametrize(
    ("since", "back"), [("24h", timedelta(hours=24)), ("7d", timedelta(days=7)), ("2weeks", timedelta(days=14))]
)
def test_since_counts_back_in_the_server_zone(
    cli: Cli, game: Game, database: Database, home: Path, since: str, back: timedelta
) -> None:
    """`--since 24h` counts back from now in the server's time zone, here far from UTC."""
    game.options["timezone"] = "Pacific/Kiritimati"  # fourteen hours ahead of UTC
    configure(home, game)
    edge = datetime.now(UTC) - back
    for offset in (-timedelta(minutes=30), timedelta(minutes=30)):
        start = (edge + offset).astimezone(ZoneInfo("Pacific/Kiritimati"))
        session = generate_session(
            5, start=start, zone="Pacific/Kiritimati", players=4, maps=(1, 1), quirks=Quirks()
        )
        first = session.files[0]
        name = f"{start:%Y-%m-%d-%H%M%S}-{first.name[18:]}"
        game.put(name, first.content, first.mtime)
    inside = name
    assert cli("sync", "--since", since).code == 0
    assert database.names() == [inside]


@pytest.mark.parametrize(("since", "taken"), [("2025-10-03", 0), ("2025-10-02", 8), ("all", 8), ("today", 0)])
def test_since_a_date_starts_at_midnight_of_the_server(
    cli: Cli, game: Game, database: Database, since: str, taken: int
) -> None:
    """A date means that day from its first second, by the time in the name."""
    assert cli("sync", "--since", since).code == 0
    assert len(database.names()) == taken


@pytest.mark.parametrize("since", ["week", "month", "24h"])
def test_since_skips_and_counts_earlier_rounds(cli: Cli, game: Game, database: Database, since: str) -> None:
    """Earlier rounds are skipped and counted."""
    done = cli("sync", "--since", since)
    assert (done.code, database.names()) == (0, [])
    assert "8 skipped by age window" in done.err


def test_invalid_since_is_a_usage_error(cli: Cli, game: Game) -> None:
    """An invalid time is an error before the server is contacted."""
    done = cli("sync", "--since", "soon")
    assert (done.code, game.server.logins) == (2, 0)
    assert "24h" in done.err


def test_later_runs_start_a_day_before_the_newest_file(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """Without `--since`, files older than the newest known one minus 24 hours are skipped."""
    assert cli("sync").code == 0
    for days, seed in ((3, 21), (0, 22)):
        early = generate_session(
            seed, start=START - timedelta(days=days, hours=6), zone=ZONE, players=4, maps=(1, 1), quirks=Quirks()
        )
        game.write(*early.files)
    assert cli("sync").code == 0
    assert len(database.names()) == len(files) + len(early.files)
    assert cli("sync", "--since", "all").code == 0
    assert len(database.names()) == len(files) + 2 * len(early.files)


def test_deleted_local_copies_are_not_fetched_again(cli: Cli, game: Game, local: Path) -> None:
    """Files in the database are known even without local copies."""
    cli("sync")
    for path in local.iterdir():
        path.unlink()
    local.rmdir()
    game.server.opened.clear()
    assert cli("sync", "--since", "all").code == 0
    assert game.server.opened == []
    assert not local.exists()


def test_rewritten_file_replaces_its_round(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """A rewritten file is fetched again and replaces its round."""
    cli("sync")
    last = files[-1]
    moved = "^1The barn has moved to another place"
    session = generate_session(
        11, start=START, zone=ZONE, players=6, maps=(4, 4), server_name=moved, quirks=Quirks()
    )
    again = session.files[-1]
    assert (again.name, again.content != last.content) == (last.name, True)
    game.put(last.name, again.content, last.mtime + 60)
    done = cli("sync")
    assert (done.code, "1 replaced" in done.err) == (0, True)
    assert database.value(f"SELECT content FROM processed_files WHERE filename = '{last.name}'") == again.content
    assert database.rounds == len(files)
    assert "nothing new" in cli("sync").err


def test_shorter_file_does_not_replace_a_round(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """A file that became shorter goes to quarantine next to the valid version, and is reported once."""
    cli("sync")
    last = files[-1]
    fewer = last.content.rstrip(b"\n").rpartition(b"\n")[0] + b"\n"
    game.put(last.name, fewer, last.mtime + 60)
    done = cli("sync")
    assert done.code == 3
    assert last.name in done.err
    assert database.value(f"SELECT content FROM processed_files WHERE filename = '{last.name}'") == last.content
    assert database.rounds == len(files)
    again = cli("sync")
    assert (again.code, "quarantined" in again.err) == (0, False)


def test_truncated_file_is_quarantined_until_it_changes(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """A truncated file: exit code 3 once, no output while unchanged, imported when complete."""
    last = files[-1]
    game.put(last.name, cut(last), last.mtime)
    done = cli("-q", "sync")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"quarantined: {last.name}: ")
    assert database.names("NOT success") == [last.name]
    assert database.rounds == len(files) - 1
    assert cli("-q", "sync") == CliResult(code=0, out="", err="")
    game.put(last.name, last.content, last.mtime + 5)
    assert cli("sync").code == 0
    assert database.names("NOT success") == []
    assert database.rounds == len(files)


def test_local_copy_without_import_is_fetched(
    cli: Cli, game: Game, database: Database, local: Path, files: list[GeneratedFile]
) -> None:
    """A local copy of a file that is not in the database is replaced by the fetched file."""
    local.mkdir(parents=True)
    for file in files[:5]:
        (local / file.name).write_bytes(cut(file))
    assert cli("sync").code == 0
    assert database.rounds == len(files)
    assert [(local / file.name).read_bytes() for file in files] == [file.content for file in files]


def test_truncated_local_copy_is_fetched(
    cli: Cli, game: Game, database: Database, local: Path, files: list[GeneratedFile]
) -> None:
    """A truncated local copy is ignored: the file is fetched again."""
    local.mkdir(parents=True)
    (local / files[0].name).write_bytes(cut(files[0]))
    assert cli("sync").code == 0
    assert database.rounds == len(files)
    assert (local / files[0].name).read_bytes() == files[0].content


def test_old_partial_file_is_removed(cli: Cli, game: Game, local: Path, files: list[GeneratedFile]) -> None:
    """An old partial file is removed; a recent one may belong to another run."""
    local.mkdir(parents=True)
    for name, age in (("tmpold.partial", 7200), ("tmpnew.partial", 0)):
        (local / name).write_bytes(cut(files[0]))
        moment = (local / name).stat().st_mtime - age
        os.utime(local / name, (moment, moment))
    assert cli("sync").code == 0
    assert {path.name for path in local.glob("*.partial")} == {"tmpnew.partial"}


def test_local_folder_is_a_source(
    cli: Cli, home: Path, tmp_path: Path, database: Database, files: list[GeneratedFile]
) -> None:
    """A local folder as a source."""
    source = tmp_path / "gamestats"
    source.mkdir()
    for file in files:
        (source / file.name).write_bytes(file.content)
    path = home / ".config" / "etstats" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[[servers]]\nname = "main"\npath = "{source}"\ntimezone = "{ZONE}"\n')
    assert cli("sync").code == 0
    assert database.rounds == len(files)
    assert "nothing new" in cli("sync").err


def test_debug_log_names_the_check_of_each_skipped_file(
    cli: Cli, game: Game, home: Path, local: Path, log: Callable[[], str], files: list[GeneratedFile]
) -> None:
    """At level debug the log has check and reason of each skipped file; `-v` prints the counts."""
    configure(home, game, more='[log]\nlevel = "debug"\n')
    cli("sync")
    game.put("notes.txt", b"x", files[0].mtime)
    (local / files[1].name).unlink()
    old = generate_session(31, start=START - timedelta(days=9), zone=ZONE, players=4, maps=(1, 1)).files[0]
    game.write(old)
    shown = cli("-v", "sync").err
    assert "layer=" not in shown
    assert f"listed server=main files={len(files) + 1} new=0" in shown
    assert "skipped_by_local_file=" in shown
    lines = {
        name: line
        for line in log().splitlines()
        if " skipped " in line
        for name in ("notes.txt", old.name, files[0].name, files[1].name)
        if f"file={name}" in line
    }
    assert 'layer=name reason="not the name of a round file"' in lines["notes.txt"]
    assert 'layer="age window" reason="older than' in lines[old.name]
    assert 'layer="local file" reason="in the local folder, imported' in lines[files[0].name]
    assert 'layer="processed files" reason="imported, and unchanged' in lines[files[1].name]


def test_debug_log_has_fetch_times(
    cli: Cli, game: Game, home: Path, log: Callable[[], str], files: list[GeneratedFile]
) -> None:
    """At level debug the log has the fetch time of each imported file, also with `-q`."""
    configure(home, game, more='[log]\nlevel = "debug"\n')
    cli("-q", "sync")
    cli("-q", "sync")
    assert f"imported server=main file={files[0].name} fetch_ms=" in log()
    assert f'skipped server=main file={files[0].name} layer="local file"' in log()


def test_dry_run_lists_files_and_fetches_none(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """`--dry-run` prints each file to stdout and fetches none."""
    done = cli("sync", "--dry-run")
    assert done.code == 0
    assert all(f"main: {file.name} ({len(file.content):,} bytes)" in done.out for file in files)
    assert f"main: {len(files)} to fetch" in done.out
    assert (game.server.opened, database.names()) == ([], [])


def test_missing_server_setting_names_init(cli: Cli) -> None:
    """Without a server, the error names `init`."""
    done = cli("sync")
    assert done.code == 2
    assert "etstats init" in done.err


def test_user_without_passwd_entry_can_sync(cli: Cli, game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    """A random uid without HOME: with user and key_file set, sync works."""

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    complete_environment()
    done = cli("sync")
    assert done.code == 0, done.err
    assert "8 imported" in done.err
