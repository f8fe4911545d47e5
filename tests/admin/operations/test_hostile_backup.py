"""Tests of damaged and malicious backups: one error, exit code 2, no changes."""

import hashlib
import json
import os
import resource
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.db import dump
from etstats.db.backup_file import open_backup
from etstats.db.connection import connect
from etstats.demo.generator import generate, write_files
from etstats.errors import BackupError
from etstats.importer.importer import Importer
from tests.conftest import CliResult, own_database
from tests.support.examples import EXAMPLES, on_a_database
from tests.support.processes import etstats, run

Cli = Callable[..., CliResult]
Members = dict[str, bytes]
NOW = datetime(2025, 10, 2, 5, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def good(
    admin: psycopg.Connection, postgres: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a backup of a session of generated files."""
    path = tmp_path_factory.mktemp("backup") / "good.zip"
    with own_database(admin, postgres, migrated_template) as url, connect(url) as conn:
        importer = Importer(conn, "main", ZoneInfo("Europe/Ljubljana"), timedelta(minutes=60))
        for file in generate(7, start=NOW, files=4):
            importer.add(file.name, file.content, file.mtime)
        dump.write_dump(conn, path, made_at=NOW, version="1.0.0")
    return path


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[psycopg.Connection]:
    """Return a connection to a database without tables."""
    with connect(empty_database_url) as conn:
        yield conn


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def manifest_of(members: Members) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(members["manifest.json"])
    return found


def with_rows(members: Members, table: str, change: Callable[[bytes], bytes]) -> Members:
    """Change a table's rows and adapt the manifest, as an attacker would."""
    rows = change(members[f"{table}.copy"])
    manifest = manifest_of(members)
    (entry,) = [entry for entry in manifest["tables"] if entry["name"] == table]
    entry |= {"rows": rows.count(b"\n"), "sha256": hashlib.sha256(rows).hexdigest()}
    return members | {f"{table}.copy": rows, "manifest.json": json.dumps(manifest).encode()}


def with_manifest(members: Members, change: Callable[[dict[str, Any]], object]) -> Members:
    manifest = manifest_of(members)
    change(manifest)
    return members | {"manifest.json": json.dumps(manifest).encode()}


def column_changed(members: Members, table: str, column: str, value: str, rows: int = 1) -> Members:
    """Set one column in the first rows of a table."""
    (entry,) = [entry for entry in manifest_of(members)["tables"] if entry["name"] == table]
    place = entry["columns"].index(column)

    def change(text: bytes) -> bytes:
        lines = [line.split(b"\t") for line in text.splitlines()]
        for line in lines[:rows]:
            line[place] = value.encode()
        return b"".join(b"\t".join(line) + b"\n" for line in lines)

    return with_rows(members, table, change)


def write(path: Path, members: Members | list[tuple[str, bytes]]) -> Path:
    pairs = list(members.items()) if isinstance(members, dict) else members
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in pairs:
            archive.writestr(name, content)
    return path


def _set(key: str, value: object) -> Callable[[Members], Members]:
    return lambda members: with_manifest(members, lambda manifest: manifest.__setitem__(key, value))


def _table(change: Callable[[dict[str, Any]], object]) -> Callable[[Members], Members]:
    return lambda members: with_manifest(members, lambda manifest: change(manifest["tables"][0]))


def _foreign(members: Members) -> Members:
    changed = with_manifest(
        members,
        lambda manifest: manifest["tables"].append(
            {"name": "invoices", "columns": ["id"], "rows": 0, "sha256": hashlib.sha256(b"").hexdigest()}
        ),
    )
    return changed | {"invoices.copy": b""}


def _without_a_table(members: Members) -> Members:
    changed = with_manifest(
        members,
        lambda manifest: manifest.__setitem__(
            "tables", [table for table in manifest["tables"] if table["name"] != "player_links"]
        ),
    )
    return {name: content for name, content in changed.items() if name != "player_links.copy"}


def _second_round_like_first(members: Members) -> Members:
    (entry,) = [entry for entry in manifest_of(members)["tables"] if entry["name"] == "rounds"]
    places = [entry["columns"].index(name) for name in ("match_id", "round_number", "round1_id")]

    def change(rows: bytes) -> bytes:
        lines = [line.split(b"\t") for line in rows.splitlines()]
        first, second = (next(line for line in lines if line[places[1]] == number) for number in (b"1", b"2"))
        for place in places:
            second[place] = first[place]
        return b"".join(b"\t".join(line) + b"\n" for line in lines)

    return with_rows(members, "rounds", change)


DEEP = b"[" * 100_000 + b"]" * 100_000

CHANGES: dict[str, Callable[[Members], Members]] = {
    "no manifest": lambda members: {name: members[name] for name in members if name != "manifest.json"},
    "manifest is not JSON": lambda members: members | {"manifest.json": b"{"},
    "manifest is nested deeply": lambda members: members | {"manifest.json": DEEP},
    "manifest is a list": lambda members: members | {"manifest.json": b"[]"},
    "manifest is not text": lambda members: members | {"manifest.json": b"\xff\xfe\x00"},
    "manifest of 40 MB": lambda members: members | {"manifest.json": b" " * 40_000_000},
    "manifest of 1 MB that does not compress": lambda members: members | {"manifest.json": os.urandom(1_000_000)},
    "another format": _set("format", 2),
    "format is a list": _set("format", [1]),
    "no date": _set("made_at", None),
    "date without a zone": _set("made_at", "2025-10-02T05:30:00"),
    "date in the year 1": _set("made_at", "0001-01-01T00:00:00+14:00"),
    "version with a line end": _set("version", "1.0\n\x1b[2J"),
    "no migrations": _set("migrations", {}),
    "migrations are a list": _set("migrations", [1]),
    "migration number of 5,000 digits": _set("migrations", {"9" * 5_000: "0" * 64}),
    "newer migrations": _set("migrations", {"9999": "0" * 64}),
    "no tables": _set("tables", []),
    "tables are text": _set("tables", "rounds"),
    "10,000 tables": lambda members: with_manifest(
        members, lambda manifest: manifest.update(tables=manifest["tables"] * 1_000)
    ),
    "rows are true": _table(lambda table: table.update(rows=True)),
    "rows are infinite": lambda members: (
        members | {"manifest.json": members["manifest.json"].replace(b'"rows": ', b'"rows": Infinity, "x": ', 1)}
    ),
    "rows are negative": _table(lambda table: table.update(rows=-1)),
    "another count": _table(lambda table: table.update(rows=table["rows"] + 1)),
    "another hash": _table(lambda table: table.update(sha256="0" * 64)),
    "a column less": _table(lambda table: table["columns"].pop()),
    "a column of another name": _table(lambda table: table["columns"].__setitem__(0, "x; DROP TABLE rounds")),
    "a table whose name is a path": _table(lambda table: table.update(name="../../etc/passwd")),
    "a table named twice": lambda members: with_manifest(
        members, lambda manifest: manifest["tables"].append(manifest["tables"][0])
    ),
    "a member that no table has": lambda members: members | {"extra.copy": b""},
    "a member whose name is a path": lambda members: members | {"../../../tmp/evil": b"x"},
    "a member missing": lambda members: {name: members[name] for name in members if name != "rounds.copy"},
    "a table missing": _without_a_table,
    "a foreign table": _foreign,
    "rows cut off": lambda members: members | {"rounds.copy": members["rounds.copy"][:-9]},
    "invalid rows": lambda members: with_rows(members, "rounds", lambda rows: b"one\ttwo\n"),
    "rows with a NUL": lambda members: with_rows(members, "rounds", lambda rows: rows.replace(b"1", b"\0", 1)),
    "rows that are not UTF-8": lambda members: with_rows(
        members, "rounds", lambda rows: rows.replace(b"1", b"\xff", 1)
    ),
    "rows behind the end-of-data mark": lambda members: with_rows(
        members, "rounds", lambda rows: rows.replace(b"\n", b"\n\\.\n", 1)
    ),
    "a row twice": lambda members: with_rows(members, "rounds", lambda rows: rows + rows[: rows.index(b"\n") + 1]),
    "parents missing": lambda members: with_rows(members, "rounds", lambda rows: b""),
    "children of no round": lambda members: column_changed(
        members, "player_comprehensive_stats", "round_id", "999999"
    ),
    "a deferrable key twice": _second_round_like_first,
    "a value that a check forbids": lambda members: column_changed(members, "rounds", "round_number", "3"),
    "a value that is not a number": lambda members: column_changed(members, "rounds", "round_number", "two"),
    "an infinite time": lambda members: column_changed(members, "processed_files", "processed_at", "infinity"),
    "a time after the year 9999": lambda members: column_changed(
        members, "rounds", "ended_at", "20000-01-01 00:00:00+00"
    ),
    "an identity at its end": lambda members: column_changed(
        column_changed(members, "sessions", "id", str(2**63 - 1)),
        "rounds",
        "gaming_session_id",
        str(2**63 - 1),
        rows=99,
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_invalid_backups_are_refused(
    change: Callable[[Members], Members], good: Path, tmp_path: Path, empty: psycopg.Connection
) -> None:
    """Each kind of damage or attack raises one BackupError with the file name and a one-line message."""
    path = write(tmp_path / "changed.zip", change(members_of(good)))
    with pytest.raises(BackupError) as caught:
        dump.load(empty, path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) < 600


OLD = Path(__file__).parents[2] / "data" / "old_backup" / "backup-0.1.0.zip"


@pytest.mark.parametrize(
    "change", [_without_a_table, _foreign, lambda members: with_rows(members, "rounds", bytes.upper)]
)
def test_backup_from_before_the_first_release_is_checked(
    change: Callable[[Members], Members], tmp_path: Path, empty: psycopg.Connection
) -> None:
    """A backup must have exactly the tables of its schema, with valid rows."""
    path = write(tmp_path / "changed.zip", change(members_of(OLD)))
    with pytest.raises(BackupError):
        dump.load(empty, path)


def test_tables_of_other_programs_are_not_backed_up(cli: Cli, good: Path, db: psycopg.Connection) -> None:
    """Tables of other programs are not backed up, and a restore keeps them."""
    db.execute("CREATE TABLE invoices (id integer PRIMARY KEY)")
    db.execute("INSERT INTO invoices VALUES (7)")
    db.commit()
    assert cli("backup").code == 0
    done = cli("restore", good, "--yes")
    assert done.code == 0, done.err
    assert cli("restore", "latest", "--yes").code == 0
    assert db.execute("SELECT id FROM invoices").fetchall() == [(7,)]


def test_unchanged_copy_is_valid(good: Path, tmp_path: Path, empty: psycopg.Connection) -> None:
    """Without changes, the helpers above produce valid files."""
    path = write(tmp_path / "same.zip", with_rows(members_of(good), "rounds", lambda rows: rows))
    assert dump.load(empty, path).rows_of("rounds") == 4


def patched(path: Path, target: Path, change: Callable[[bytearray], None]) -> Path:
    content = bytearray(path.read_bytes())
    change(content)
    target.write_bytes(content)
    return target


def _encrypted(content: bytearray) -> None:
    """Set the encryption flag in the directory's first entry and its local header."""
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= 1
    content[6] |= 1


def _other_method(content: bytearray) -> None:
    central = content.index(b"PK\x01\x02")
    content[central + 10 : central + 12] = (14).to_bytes(2, "little")  # LZMA, which is decompressed without bound


def _claims_gigabytes(content: bytearray) -> None:
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = (0xF0000000).to_bytes(4, "little")


def _overlapping(content: bytearray) -> None:
    """Let the second directory entry point to the first member, with its sizes."""
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    content[second + 16 : second + 28] = content[first + 16 : first + 28]
    content[second + 42 : second + 46] = content[first + 42 : first + 46]


def _nul_in_a_name(content: bytearray) -> None:
    place = content.rindex(b"rounds.copy")
    content[place + 6] = 0


@pytest.mark.parametrize(
    "change",
    [_encrypted, _other_method, _claims_gigabytes, _overlapping, _nul_in_a_name],
    ids=lambda change: change.__name__.strip("_"),
)
def test_manipulated_archive_is_refused(change: Callable[[bytearray], None], good: Path, tmp_path: Path) -> None:
    """Encryption, unbounded methods, wrong sizes, overlapping members and truncated names are refused."""
    with pytest.raises(BackupError), open_backup(patched(good, tmp_path / "patched.zip", change)) as backup:
        backup.verify()


def test_duplicate_member_is_refused(good: Path, tmp_path: Path) -> None:
    """Duplicate member names are refused, because the checked one would be ambiguous."""
    members = list(members_of(good).items())
    with pytest.warns(UserWarning, match="Duplicate name"):
        write(tmp_path / "twice.zip", [*members, members[0]])
    with pytest.raises(BackupError), open_backup(tmp_path / "twice.zip"):
        pass


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "link to nothing"])
def test_named_pipe_is_refused(kind: str, tmp_path: Path) -> None:
    """A named pipe is refused without waiting."""
    path = tmp_path / "x.zip"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path = Path(os.devnull)
        case _:
            path.symlink_to(tmp_path / "nothing")
    with pytest.raises(BackupError), open_backup(path):
        pass


BOMBS = {
    "a member of 400 MB": lambda members: members | {"rounds.copy": b"\n" * 400_000_000},
    "a row of 150 MB": lambda members: with_rows(
        members, "rounds", lambda rows: b"".join(os.urandom(4).hex().encode() * 250 for _ in range(75_000)) + b"\n"
    ),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_decompression_bomb_is_refused(bomb: Callable[[Members], Members], good: Path, tmp_path: Path) -> None:
    """A decompression bomb is refused by a process with 400 MB of address space."""
    path = write(tmp_path / "bomb.zip", bomb(members_of(good)))
    script = (
        "import sys; from pathlib import Path\n"
        "from etstats.db.backup_file import open_backup\n"
        "from etstats.errors import BackupError\n"
        "try:\n"
        "    with open_backup(Path(sys.argv[1])) as backup: backup.verify()\n"
        "except BackupError: sys.exit(2)\n"
    )
    done = run(
        [sys.executable, "-c", script, path],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20)),
    )
    assert (done.returncode, done.stderr) == (2, "")


def test_huge_directory_is_refused(good: Path, tmp_path: Path) -> None:
    """A hundred thousand members do not use memory."""
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members_of(good).items():
            archive.writestr(name, content)
        for number in range(100_000):
            archive.writestr(f"{number}", b"")
    with pytest.raises(BackupError, match="directory is too large"), open_backup(path):
        pass


@on_a_database(8 * EXAMPLES)
@given(data=st.data())
def test_damaged_bytes_are_refused_or_harmless(data: st.DataObject, good: Path, tmp_path: Path) -> None:
    """Bytes flipped, removed, repeated or inserted: a BackupError, or exactly the rows of the manifest."""

    def damage(content: bytearray) -> None:
        # Half of the places are near the end, where the directory and the manifest are.
        near_end = data.draw(st.booleans())
        place = data.draw(st.integers(max(0, len(content) - 4_000) if near_end else 0, len(content) - 1))
        junk = data.draw(st.binary(min_size=1, max_size=30))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "repeat", "zero"])):
            case "flip":
                content[place : place + len(junk)] = junk
            case "cut":
                del content[place:]
            case "insert":
                content[place:place] = junk
            case "repeat":
                content[place:place] = content[place : place + 500]
            case "zero":
                content[place : place + 100] = bytes(len(content[place : place + 100]))

    path = patched(good, tmp_path / "damaged.zip", damage)
    before = members_of(good)
    try:
        with open_backup(path) as backup:
            rows = {table.name: b"".join(backup.rows(table)) for table in backup.manifest.tables}
    except BackupError:
        return
    assert {f"{name}.copy": content for name, content in rows.items()} == {
        name: content for name, content in before.items() if name != "manifest.json"
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@on_a_database(8 * EXAMPLES)
@given(data=st.data())
def test_any_manifest_value_is_refused_or_harmless(data: st.DataObject, good: Path, tmp_path: Path) -> None:
    """Any JSON in place of any part: a BackupError, or a backup with its rows."""
    members = members_of(good)
    manifest = manifest_of(members)
    parts: list[tuple[Any, Any]] = [(manifest, key) for key in manifest]
    parts += [(manifest["migrations"], key) for key in manifest["migrations"]]
    for table in manifest["tables"]:
        parts += [(table, key) for key in table] + [(table["columns"], index) for index in (0, -1)]
    place, key = data.draw(st.sampled_from(parts))
    place[key] = data.draw(JSON)
    path = write(tmp_path / "changed.zip", members | {"manifest.json": json.dumps(manifest).encode()})
    try:
        with open_backup(path) as backup:
            backup.verify()
    except BackupError:
        return


def test_hostile_backup_changes_nothing(cli: Cli, good: Path, tmp_path: Path, db: psycopg.Connection) -> None:
    """The command exits with 2 and one line, and changes neither the database nor the backup folder."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    write_files(folder, generate(8, start=NOW, files=2))
    assert cli("import", folder).code == 0
    before = dump.contents(db)
    db.rollback()
    for change in ("children of no round", "a table missing", "manifest is nested deeply", "an infinite time"):
        path = write(tmp_path / "changed.zip", CHANGES[change](members_of(good)))
        done = cli("restore", path, "--yes")
        assert (done.code, done.out) == (2, ""), done.err
        assert done.err.count("\n") == 1
        assert "is not a valid backup" in done.err
    assert dump.contents(db) == before
    assert cli("backup", "--list", "--json").out == "[]\n"


def test_restore_shows_the_changes_first(cli: Cli, good: Path, db: psycopg.Connection) -> None:
    """Before the question the contents and each differing table are shown; after a restore nothing differs."""
    asked = cli("restore", good)
    assert asked.code == 2
    assert "4 rounds" in asked.err
    assert "2025-10-02 05:30 UTC by etstats 1.0.0" in asked.err
    assert any(line.split() == ["rounds", "0", "->", "4", "rows"] for line in asked.err.splitlines()), asked.err
    assert "player_links" not in asked.err
    assert "--yes" in asked.err
    assert db.execute("SELECT count(*) FROM rounds").fetchone() == (0,)
    db.rollback()
    assert cli("restore", good, "--yes").code == 0
    db.execute("UPDATE servers SET name = 'other'")
    db.commit()
    again = cli("restore", good)
    assert [line.split()[0] for line in again.err.splitlines() if line.startswith("  ")] >= ["servers"]
    assert "1 row, different values" in again.err


def test_file_name_with_an_invalid_date_is_ignored(cli: Cli, home: Path) -> None:
    """A name with an invalid date is ignored."""
    folder = home / "data" / "backups"
    folder.mkdir(parents=True)
    (folder / "etstats-99999999T999999Z.zip").write_text("x")
    assert cli("backup", "--list", "--json").out == "[]\n"
    assert cli("backup").code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_interrupted_backup_leaves_nothing(
    cli: Cli, home: Path, database_url: str, admin: psycopg.Connection, db: psycopg.Connection, number: int
) -> None:
    """Interrupted during its work: exit code 130, no partial file, no scratch database."""
    folder = home / "data" / "backups"
    db.execute("LOCK TABLE rounds IN ACCESS EXCLUSIVE MODE")
    with etstats("backup") as process:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
        while admin.execute(waiting, [db.info.dbname]).fetchone() == (0,):
            assert process.poll() is None
        assert [path.suffix for path in folder.iterdir()] == [".partial"]
        process.send_signal(number)
        ended = process.finish()
    assert ended.returncode == 130, ended.stderr
    assert "interrupted" in ended.stderr
    assert list(folder.iterdir()) == []
    assert admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'etstats_scratch%'").fetchall() == []


def test_backup_and_restore_log_no_server_error(cli: Cli, good: Path, admin: psycopg.Connection) -> None:
    """Backup and restore cause no ERROR in PostgreSQL's log."""
    (log,) = admin.execute("SELECT pg_current_logfile()").fetchone() or (None,)
    if log is None:
        pytest.skip("this server writes no log file")
    (start,) = admin.execute("SELECT (pg_stat_file(%s)).size", [log]).fetchone() or (0,)
    assert cli("backup").code == 0
    assert cli("restore", good, "--yes").code == 0
    (written,) = admin.execute("SELECT pg_read_file(%s, %s, 10000000)", [log, start]).fetchone() or ("",)
    assert not [line for line in written.splitlines() if "ERROR:" in line or "FATAL:" in line]
