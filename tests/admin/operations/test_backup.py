"""Tests of backups: consistent, private, verified, rotated, and restored."""

import json
import stat
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from etstats.admin.backup import Backup, expired
from etstats.db import dump
from etstats.db.backup_file import read_manifest
from etstats.db.connection import connect
from etstats.db.locks import BACKUP_LOCK_KEY, RUN_LOCK_KEY, run_lock
from etstats.db.scratch import scratch_database
from etstats.demo.generator import generate, write_files
from etstats.errors import ConfigError
from tests.conftest import CliResult

Cli = Callable[..., CliResult]
NOW = datetime(2025, 10, 2, 5, 30, tzinfo=UTC)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Return a folder with a session of generated round files."""
    folder = tmp_path / "gamestats"
    folder.mkdir(parents=True)
    write_files(folder, generate(7, start=NOW, files=12))
    return folder


@pytest.fixture
def folder(home: Path) -> Path:
    """Return the default backup folder."""
    return home / "data" / "backups"


def names(folder: Path) -> list[str]:
    """Return the file names in the backup folder."""
    return sorted(path.name for path in folder.iterdir())


def test_backup_is_private_and_complete(cli: Cli, session: Path, folder: Path, db: psycopg.Connection) -> None:
    """Mode 0600 in a folder of mode 0700; the manifest matches the database; no partial file."""
    assert cli("import", session).code == 0
    done = cli("backup")
    assert done.code == 0, done.err
    assert "12 rounds" in done.err
    (name,) = names(folder)
    path = folder / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(read_manifest(path).tables) == list(dump.contents(db))
    assert read_manifest(path).rows_of("rounds") == 12


def test_quiet_backup_prints_nothing(cli: Cli, session: Path) -> None:
    """A successful backup prints nothing under cron."""
    cli("import", session)
    done = cli("-q", "backup")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_restore_returns_all_rows_and_backs_up_the_current_ones(
    cli: Cli, session: Path, folder: Path, db: psycopg.Connection
) -> None:
    """A restore returns all rows; the previous database is kept as a backup."""
    cli("import", session)
    before = dump.contents(db)
    cli("backup")
    (first,) = names(folder)
    db.rollback()
    db.execute("DELETE FROM rounds WHERE round_number = 2")
    db.execute("INSERT INTO player_links (discord_user_id, player_guid) VALUES (77, 'ABCDEF01')")
    db.commit()
    damaged = dump.contents(db)
    db.rollback()
    (folder / first).rename(folder / "etstats-20250101T000000Z.zip")
    done = cli("restore", "etstats-20250101T000000Z.zip", "--yes")
    assert done.code == 0, done.err
    assert dump.contents(db) == before
    kept = next(name for name in names(folder) if "20250101" not in name)
    assert read_manifest(folder / kept).tables == damaged
    assert kept in done.err


def test_import_works_after_a_restore(cli: Cli, session: Path, db: psycopg.Connection, tmp_path: Path) -> None:
    """After a restore, triggers are enabled and identity columns continue: the next import works."""
    cli("import", session, "--limit", "6")
    cli("backup")
    assert cli("restore", "latest", "--yes").code == 0
    done = cli("import", session)
    assert (done.code, "6 imported" in done.err, "6 known" in done.err) == (0, True, True), done.err
    seen, rows = db.execute(
        "SELECT (SELECT sum(times_seen) FROM player_aliases), (SELECT count(*) FROM player_comprehensive_stats)"
    ).fetchone() or (0, 1)
    assert seen == rows


def test_restore_repeats_no_posts(cli: Cli, session: Path, db: psycopg.Connection) -> None:
    """Posting continues after the newest reported round, or from the time of the restore."""
    cli("import", session)
    db.execute("INSERT INTO post_watermarks SELECT id, 'round', '2025-01-01' FROM servers")
    db.commit()
    cli("backup")
    db.execute(
        "INSERT INTO posts (server_id, kind, subject, channel, state, message_id, created_at) SELECT server_id,"
        " 'round', file_id, repeat('a', 32), 'sent', '1', now() FROM rounds ORDER BY ended_at LIMIT 3"
    )
    (newest,) = db.execute(
        "SELECT max(ended_at) FROM (SELECT * FROM rounds ORDER BY ended_at LIMIT 3) r"
    ).fetchone() or (0,)
    db.commit()
    assert cli("restore", "latest", "--yes").code == 0
    since = db.execute("SELECT since FROM post_watermarks").fetchone()
    assert since == (newest + timedelta(seconds=1),)
    db.execute("TRUNCATE posts CASCADE")
    db.commit()
    before = datetime.now(UTC)
    assert cli("restore", "latest", "--yes").code == 0
    (since,) = db.execute("SELECT since FROM post_watermarks").fetchone() or (before,)
    assert before <= since <= datetime.now(UTC)


def test_leftovers_of_killed_backups_are_removed(
    cli: Cli, folder: Path, database_url: str, admin: psycopg.Connection
) -> None:
    """A partial file and our scratch database are removed; that of another database is kept."""
    names_of = "SELECT datname FROM pg_database WHERE starts_with(datname, 'etstats_scratch_')"
    with scratch_database(database_url, folder):
        ((ours,),) = admin.execute(names_of).fetchall()
    assert admin.execute(names_of).fetchall() == []
    admin.execute(f'CREATE DATABASE "{ours}"')
    admin.execute("CREATE DATABASE etstats_scratch_00000000_other")
    folder.mkdir(parents=True)
    (folder / "etstats-20250101T000000Z.zip.partial").write_text("half")
    assert cli("backup").code == 0
    assert [name for (name,) in admin.execute(names_of)] == ["etstats_scratch_00000000_other"]
    admin.execute("DROP DATABASE etstats_scratch_00000000_other")
    assert len(names(folder)) == 1


def test_partial_backup_is_never_the_latest(cli: Cli, session: Path, folder: Path, db: psycopg.Connection) -> None:
    """A partial file of a killed run is not listed, not `latest`, and refused by name."""
    cli("import", session)
    assert cli("backup").code == 0
    (whole,) = folder.iterdir()
    half = folder / "etstats-20991231T235959Z.zip.partial"
    half.write_bytes(whole.read_bytes()[:-400])
    assert half.name not in cli("backup", "--list", "--csv").out
    refused = cli("restore", half, "--yes")
    assert refused.code == 2
    assert "is not a valid backup" in refused.err
    db.execute("TRUNCATE servers, player_aliases CASCADE")
    db.commit()
    assert cli("restore", "latest", "--yes").code == 0
    assert db.execute("SELECT count(*) > 0 FROM rounds").fetchone() == (True,)


def test_backup_made_by_a_restore_is_never_the_latest(
    cli: Cli, session: Path, folder: Path, db: psycopg.Connection
) -> None:
    """Repeated restores of `latest` restore the same backup of the user."""
    cli("import", session)
    assert cli("backup").code == 0
    before = dump.contents(db)
    for _ in range(2):
        db.rollback()
        db.execute("DELETE FROM rounds WHERE round_number = 2")
        db.commit()
        assert cli("restore", "latest", "--yes").code == 0
        assert dump.contents(db) == before
    assert [name.endswith("-before-restore.zip") for name in names(folder)].count(True) == 2
    assert cli("backup", "--list", "--csv").out.count("before-restore") == 2


def test_future_backup_is_not_the_latest(cli: Cli, session: Path, folder: Path) -> None:
    """A file dated years ahead is only used if there is no other."""
    cli("import", session)
    assert cli("backup").code == 0
    (folder / "etstats-20990101T000000Z.zip").write_bytes(b"x")
    assert cli("restore", "latest", "--yes").code == 0
    for path in folder.glob("etstats-20[0-8]*"):
        path.unlink()
    assert "is not a valid backup" in cli("restore", "latest", "--yes").err


def test_two_backups_in_one_second_are_both_kept(cli: Cli, folder: Path) -> None:
    """A backup never overwrites another one."""
    assert [cli("backup").code for _ in range(3)] == [0, 0, 0]
    assert len(names(folder)) == 3


def test_restore_requires_a_confirmation(cli: Cli, session: Path, db: psycopg.Connection) -> None:
    """Without a terminal and --yes nothing happens, and the message names the option."""
    cli("import", session)
    cli("backup")
    db.execute("DELETE FROM rounds")
    db.commit()
    done = cli("restore", "latest")
    assert done.code == 2
    assert "--yes" in done.err
    assert db.execute("SELECT count(*) FROM rounds").fetchone() == (0,)


OLD = Path(__file__).parents[2] / "data" / "old_backup"
"""A backup of the version before 0001_initial.sql, of generated files, and a leaderboard of that version."""


def test_backup_from_before_the_first_release_is_restored(cli: Cli, session: Path, db: psycopg.Connection) -> None:
    """Files and corrections of an old backup are restored, and rows derived again by this version."""
    path = OLD / "backup-0.1.0.zip"
    done = cli("restore", path, "--yes")
    assert done.code == 0, done.err
    manifest = read_manifest(path)
    assert manifest.is_unreleased
    kept = ("processed_files", "rounds", "player_comprehensive_stats", "weapon_comprehensive_stats",
            "player_aliases", "player_links", "hidden_players", "forgotten_players", "forgetting_key", "posts",
            "session_teams")  # fmt: skip
    rows = {table.name: table.rows for table in dump.contents(db)}
    assert {name: rows[name] for name in kept} == {name: manifest.rows_of(name) for name in kept}
    assert db.execute(
        "SELECT count(*), count(duration_seconds),"
        " count(held) = count(*) FILTER (WHERE round_outcome = 'fullhold'), min(bots), bool_and(is_counted)"
        " FROM rounds"
    ).fetchone() == (8, 8, True, 0, True)
    db.rollback()
    assert json.loads(cli("leaderboard", "--top", "kd", "--json").out) == json.loads(
        (OLD / "leaderboard-kd.json").read_text()
    )
    verified = cli("rebuild", "--verify")
    assert verified.code == 0, verified.out
    assert cli("import", session).code == 0
    assert cli("backup").code == 0
    assert cli("restore", "latest", "--yes").code == 0


def test_backup_of_another_unreleased_schema_is_refused(cli: Cli, tmp_path: Path) -> None:
    """Of several migrations only those before the first release are known."""
    path = tmp_path / "old.zip"
    path.write_bytes((OLD / "backup-0.1.0.zip").read_bytes())
    _with_manifest(path, lambda text: text.replace("bf7a13ba", "00000000"))
    done = cli("restore", path, "--yes")
    assert done.code == 2
    assert "newer" in done.err or "unreleased" in done.err


def _as_of_another_checkout(path: Path, without: str) -> None:
    """Convert a backup into one of a checkout with another initial migration and one table fewer."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != f"{without}.copy"}
    manifest = json.loads(members["manifest.json"])
    manifest["migrations"] = {"1": "0" * 64}
    manifest["tables"] = [table for table in manifest["tables"] if table["name"] != without]
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_backup_of_another_checkout_is_derived_again(
    cli: Cli, session: Path, folder: Path, db: psycopg.Connection
) -> None:
    """A backup of an unreleased version without one of the tables: derived rows are computed again."""
    cli("import", session)
    assert cli("correct", "exclude-map", "radar").code == 0
    before = {table.name: table.rows for table in dump.contents(db)}
    db.rollback()
    assert cli("backup").code == 0
    (name,) = names(folder)
    _as_of_another_checkout(folder / name, "player_ratings")
    done = cli("restore", folder / name, "--yes")
    assert done.code == 0, done.err
    assert {table.name: table.rows for table in dump.contents(db)}["corrections"] == before["corrections"] == 1
    db.rollback()
    verified = cli("rebuild", "--verify")
    assert verified.code == 0, verified.out


@pytest.mark.parametrize("without", ["processed_files", "posts", "player_links"])
def test_backup_without_an_old_table_is_refused(cli: Cli, session: Path, folder: Path, without: str) -> None:
    """A backup without a table that every version has is incomplete."""
    cli("import", session)
    cli("backup")
    (name,) = names(folder)
    _as_of_another_checkout(folder / name, without)
    done = cli("restore", folder / name, "--yes")
    assert (done.code, f"tables differ from those of its schema: {without}" in done.err) == (2, True)


def _with_manifest(path: Path, change: Callable[[str], str]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["manifest.json"] = change(members["manifest.json"].decode()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_damaged_backup_changes_nothing(cli: Cli, session: Path, folder: Path, db: psycopg.Connection) -> None:
    """Truncated, corrupted, wrong counts, not a backup: refused by name, and the database is unchanged."""
    cli("import", session)
    before = dump.contents(db)
    db.rollback()
    cli("backup")
    (name,) = names(folder)
    good = (folder / name).read_bytes()
    bad = folder / "bad.zip"
    flipped = bytearray(good)
    flipped[len(good) // 3] ^= 0xFF
    for content in (good[: len(good) // 2], bytes(flipped), b"", b"no archive"):
        bad.write_bytes(content)
        done = cli("restore", bad, "--yes")
        assert done.code == 2, done.err
        assert str(bad) in done.err
    bad.write_bytes(good)
    _with_manifest(bad, lambda text: text.replace('"rows": 12', '"rows": 13'))
    assert "is not a valid backup" in cli("restore", bad, "--yes").err
    bad.write_bytes(good)
    _with_manifest(bad, lambda text: text.replace('"1": "', '"9999": "'))
    assert "newer" in cli("restore", bad, "--yes").err
    assert dump.contents(db) == before


def test_missing_backup_is_refused(cli: Cli) -> None:
    """`latest` without backups, and a nonexistent path, are refused."""
    assert "create one with: etstats backup" in cli("restore", "latest", "--yes").err
    done = cli("restore", "/nowhere/at-all.zip", "--yes")
    assert done.code == 2
    assert "/nowhere/at-all.zip" in done.err


def test_second_backup_is_refused_and_a_sync_allows_one(cli: Cli, db: psycopg.Connection) -> None:
    """A second backup exits with 75; a running sync allows a backup, but blocks a restore."""
    with run_lock(db, BACKUP_LOCK_KEY):
        assert cli("backup").code == 75
    with run_lock(db, RUN_LOCK_KEY):
        assert cli("backup").code == 0
        assert cli("restore", "latest", "--yes", "--wait", "0").code == 75


def test_backup_is_verified_without_the_right_to_create_databases(
    cli: Cli,
    session: Path,
    database_url: str,
    reachable_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The scratch database is then in a separate server, which is removed."""
    cli("import", session)
    data = reachable_dir / "modest"
    data.mkdir(mode=0o711)
    monkeypatch.setenv("ETSTATS_DATA_DIR", str(data))
    with connect(database_url) as conn:
        conn.execute("DROP ROLE IF EXISTS modest")
        conn.execute("CREATE ROLE modest NOLOGIN")
        conn.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO modest")
        conn.execute("GRANT pg_read_all_settings TO modest")  # to see that it is the server of this folder
    joint = "&" if "?" in database_url else "?"
    monkeypatch.setenv("ETSTATS_DATABASE_URL", f"{database_url}{joint}options=-c%20role%3Dmodest")
    done = cli("backup")
    assert done.code == 0, done.err
    assert [path.name for path in data.iterdir()] == ["backups"]


def test_failed_backup_leaves_no_file(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk exits with 75 and a message, and leaves no file."""
    monkeypatch.setattr("etstats.db.backup_file.os.fsync", _full)
    done = cli("backup")
    assert done.code == 75
    assert "free space" in done.err
    assert names(folder) == []


def _full(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def _backup(days_old: float) -> Backup:
    return Backup(path=Path(f"/b/{days_old}"), made_at=NOW - timedelta(days=days_old), size_bytes=1)


def test_old_backups_are_removed_except_the_newest() -> None:
    """Backups are kept seven days; the newest is always kept."""
    week = [_backup(day) for day in (0, 1, 6.9, 7.1, 30)]
    assert expired(week, NOW, 7) == week[3:]
    assert expired([_backup(400), _backup(500)], NOW, 7) == [_backup(500)]
    assert expired([], NOW, 7) == []
    safety = Backup(path=Path("/b/etstats-before-restore.zip"), made_at=NOW, size_bytes=1)
    assert expired([safety, _backup(400), _backup(500)], NOW, 7) == [_backup(500)]
    assert expired([safety], NOW + timedelta(days=400), 7) == []


def test_future_backup_expires_no_other() -> None:
    """A backup dated in the future does not expire others and is not the newest."""
    week = [_backup(day) for day in (0, 1, 5.9)]
    future = _backup(-3650)
    assert expired([*week, future], future.made_at, 7) == []
    assert expired([*week, future], NOW, 7) == []


def test_other_files_in_the_folder_are_kept(cli: Cli, folder: Path) -> None:
    """Only files with the name of a backup are listed or removed."""
    folder.mkdir(parents=True)
    for name in ("notes.txt", "etstats-old.zip", "etstats-20200101T000000Z.zip"):
        (folder / name).write_text("x")
    assert cli("backup").code == 0
    left = names(folder)
    assert {"notes.txt", "etstats-old.zip"} < set(left)
    assert "etstats-20200101T000000Z.zip" not in left


def test_list_shows_the_backups(cli: Cli) -> None:
    """The list is [] if empty, else newest first."""
    assert cli("backup", "--list", "--json").out == "[]\n"
    cli("backup")
    assert "etstats-" in cli("backup", "--list", "--csv").out


def test_newer_manifest_format_is_refused(tmp_path: Path) -> None:
    """A newer format is refused."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", '{"format": 2}')
    with pytest.raises(ConfigError, match="not a valid backup"):
        read_manifest(path)
