"""A forgotten player is in no row and no byte of the database, stays so, and every other number stays as it
was."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import Connection, sql

from etstats.admin.privacy import Anonymized, forget
from etstats.db import corrections, identity
from etstats.demo.generator import GeneratedFile, Quirks, generate, write_files
from etstats.domain.import_result import ImportResult, ImportStatus
from etstats.domain.names import clean_name
from etstats.errors import TemporaryError
from etstats.importer.anonymize import Pseudonyms
from etstats.importer.importer import Importer
from etstats.parser.pseudonyms import guids, rewrite
from etstats.parser.reader import parse
from etstats.pipeline.anonymized_copies import are_copies_current, update_copies
from tests.conftest import CliResult
from tests.support.processes import run

START = datetime(2025, 10, 6, 20, 5)  # noqa: DTZ001 - the server's own clock
ZONE = ZoneInfo("Europe/Ljubljana")
COPIES = Path("/nonexistent")


@pytest.fixture(scope="module")
def files() -> list[GeneratedFile]:
    """Return two sessions of six players, with both kinds of line ends."""
    return list(generate(7, start=START, sessions=2, players=6, maps=(2, 2), quirks=Quirks(crlf=0.5)))


def add(db: Connection, files: Iterable[GeneratedFile]) -> list[ImportResult]:
    """Import files."""
    db.commit()
    importer = Importer(db, "main", ZONE, timedelta(minutes=60))
    return [importer.add(file.name, file.content, file.mtime) for file in files]


def regular_player(files: list[GeneratedFile]) -> tuple[str, set[str]]:
    """Return the player in most files, with the names as in the bytes."""
    raw = [parse(file.name, file.content) for file in files]
    everybody = [player.guid for round_ in raw for player in round_.players]
    guid = max(sorted(set(everybody)), key=everybody.count)
    return guid, {player.name for round_ in raw for player in round_.players if player.guid == guid}


def everything(db: Connection) -> str:
    """Return the contents of all tables, with bytes as text."""
    tables = db.execute(
        """SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
           JOIN information_schema.tables t USING (table_schema, table_name)
           WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"""
    ).fetchall()
    found = []
    for table, column, kind in tables:
        value = sql.Identifier(column)
        text = (
            sql.SQL("encode({}, 'escape')").format(value) if kind == "bytea" else sql.SQL("{}::text").format(value)
        )
        rows = db.execute(sql.SQL("SELECT {} FROM {}").format(text, sql.Identifier(table))).fetchall()
        found += [cell for (cell,) in rows if cell is not None]
    return "\n".join(found)


def numbers(db: Connection, other: dict[str, str]) -> list[tuple[object, ...]]:
    """Return the numbers of all players by round, without names and surrogate keys."""
    columns = db.execute(
        """SELECT column_name FROM information_schema.columns
           WHERE table_name = 'player_comprehensive_stats'
             AND column_name NOT IN ('round_id', 'player_guid', 'player_name', 'clean_name')
           ORDER BY column_name"""
    ).fetchall()
    rows = db.execute(
        sql.SQL(
            """SELECT f.filename, p.player_guid, r.match_id, f.source_hash, f.source_size, t.team,
                      (SELECT array_agg(w ORDER BY w) FROM (
                           SELECT weapon_name || kills || ' ' || deaths || ' ' || hits || ' ' || shots
                           FROM weapon_comprehensive_stats x
                           WHERE x.round_id = p.round_id AND x.player_guid = p.player_guid) y (w)), {}
               FROM player_comprehensive_stats p
               JOIN rounds r ON r.id = p.round_id
               JOIN processed_files f ON f.id = r.file_id
               LEFT JOIN session_teams t ON t.session_id = r.gaming_session_id AND t.player_guid = p.player_guid"""
        ).format(sql.SQL(", ").join(sql.SQL("p.{}").format(sql.Identifier(name)) for (name,) in columns))
    ).fetchall()
    return sorted(((row[0], other.get(row[1], row[1]), *row[2:]) for row in rows), key=repr)


def test_forget_removes_every_trace_of_a_player(db: Connection, files: list[GeneratedFile]) -> None:
    """No GUID or name remains in rows, archived files, quarantine and reasons; the link is removed."""
    guid, names = regular_player(files)
    first, second, *rest = files
    half = second.content[: second.content.index(guid.encode()) + 30]
    twice = first.content + next(line for line in first.content.splitlines(keepends=True) if guid.encode() in line)
    add(db, [first, *rest])
    add(db, [GeneratedFile(second.name, half, second.mtime), GeneratedFile(first.name, twice, first.mtime)])
    identity.link(db, guid, 123456789012345678, wants_mention=True)
    identity.hide(db, guid)
    _name_everywhere(db, guid, clean_name(min(names)))
    db.commit()
    before = everything(db)
    assert guid in before
    assert f"GUID {guid} is in line" in before
    done = forget(db, guid, COPIES)
    after = everything(db)
    for text in {guid, *names, *map(clean_name, names)}:
        assert text in before
        assert text not in after
    assert "123456789012345678" not in after
    assert done.player.pseudonym_guid in after
    assert [hidden.player_guid for hidden in identity.hidden(db)] == [done.player.pseudonym_guid]


def _name_everywhere(db: Connection, guid: str, name: str) -> None:
    """Add the player to corrections, identities, series and ratings."""
    known = {"guid": guid, "name": name}
    db.execute(
        "INSERT INTO corrections (kind, subject, value, reason) VALUES ('merge', 'AAAAAAAA', %(guid)s, %(name)s),"
        " ('rename', %(guid)s, %(name)s, ''), ('void', 'main/x', '', %(guid)s)",
        known,
    )
    corrections.store_identities(db, corrections.state(db).rows())
    db.execute(
        "WITH one AS (INSERT INTO series (gaming_session_id, number)"
        " SELECT min(id), 99 FROM sessions RETURNING id)"
        " INSERT INTO series_teams SELECT id, 1, 'team', %(guid)s FROM one",
        known,
    )
    db.execute(
        "INSERT INTO player_ratings SELECT %(guid)s, id, 'x', now(), 0, 1, 0, 1, 0, 1, 0, 1, 0.5, 1 FROM servers",
        known,
    )


def test_forget_changes_no_other_value(db: Connection, files: list[GeneratedFile]) -> None:
    """Rows, line-ups, matches and source hashes do not change, and aliases are consistent."""
    guid, _ = regular_player(files)
    add(db, files)
    before = numbers(db, {})
    db.commit()
    done = forget(db, guid, COPIES)
    assert numbers(db, {done.player.pseudonym_guid: guid}) == before
    assert done.rounds == sum(row[1] == guid for row in before)
    (alias,) = db.execute(
        "SELECT alias, times_seen FROM player_aliases WHERE guid = %s", [done.player.pseudonym_guid]
    ).fetchall()
    assert alias == (done.player.pseudonym, done.rounds)


def test_archived_files_match_the_rows(db: Connection, files: list[GeneratedFile]) -> None:
    """Hash and size are those of the stored bytes, which are complete and contain the pseudonym."""
    guid, _ = regular_player(files)
    add(db, files)
    db.commit()
    done = forget(db, guid, COPIES)
    mismatches = db.execute(
        """SELECT count(*) FROM processed_files
           WHERE file_hash <> encode(sha256(content), 'hex') OR size_bytes <> length(content)"""
    ).fetchone()
    assert mismatches == (0,)
    for name, content in db.execute("SELECT filename, content FROM processed_files").fetchall():
        for player in parse(name, content).players:
            assert player.guid != guid
            assert (player.guid == done.player.pseudonym_guid) == (player.name == done.player.pseudonym)


def test_unchanged_source_file_is_not_imported_again(db: Connection, files: list[GeneratedFile]) -> None:
    """The unchanged file of the source is not imported again."""
    guid, _ = regular_player(files)
    add(db, files)
    db.commit()
    forget(db, guid, COPIES)
    before = everything(db)
    assert {outcome.status for outcome in add(db, files)} == {ImportStatus.KNOWN}
    assert everything(db) == before


@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_later_files_get_the_same_pseudonym(db: Connection, files: list[GeneratedFile], order: str) -> None:
    """Forgetting before other files arrive gives the same result as forgetting at the end, in any order."""
    guid, names = regular_player(files)
    add(db, files)
    expected = numbers(db, {})
    db.execute("DELETE FROM rounds; DELETE FROM processed_files")
    db.commit()
    add(db, files[:3])
    db.commit()
    done = forget(db, guid, COPIES)
    add(db, files[3:] if order == "forwards" else files[:2:-1])
    text = everything(db)
    assert not [name for name in {guid, *names} if name in text]
    assert numbers(db, {done.player.pseudonym_guid: guid}) == expected


def test_database_stores_only_a_keyed_hash(db: Connection, files: list[GeneratedFile]) -> None:
    """The same player has another hash with another key."""
    guid, _ = regular_player(files)
    add(db, files)
    db.commit()
    done = forget(db, guid, COPIES)
    assert [who.guid_hash for who in identity.forgotten(db)] == [done.player.guid_hash]
    key = identity.forgetting_key(db)
    assert key is not None
    assert len(key) == 32
    db.execute("UPDATE forgetting_key SET key = %s", [bytes(32)])
    db.execute("DELETE FROM forgotten_players")
    db.commit()
    assert forget(db, guid, COPIES).player.guid_hash != done.player.guid_hash


def test_two_players_get_two_pseudonyms(db: Connection, files: list[GeneratedFile]) -> None:
    """One key, two players: two hashes, two pseudonyms; other players do not change."""
    add(db, files)
    everybody = sorted({player.guid for file in files for player in parse(file.name, file.content).players})
    db.commit()
    done: list[Anonymized] = [forget(db, guid, COPIES) for guid in everybody[:2]]
    left = {
        guid for (guid,) in db.execute("SELECT DISTINCT player_guid FROM player_comprehensive_stats").fetchall()
    }
    assert left == {*everybody[2:], *(anonymized.player.pseudonym_guid for anonymized in done)}
    assert len({anonymized.player.pseudonym for anonymized in done}) == 2


def test_local_copies_are_rewritten_and_keep_their_times(
    db: Connection, files: list[GeneratedFile], tmp_path: Path
) -> None:
    """The local copies contain the pseudonym, and no partial file."""
    guid, _ = regular_player(files)
    add(db, files)
    db.commit()
    folder = tmp_path / "main"
    folder.mkdir()
    for file in files:
        (folder / file.name).write_bytes(file.content)
        os.utime(folder / file.name, (file.mtime, file.mtime))
    done = forget(db, guid, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == sorted(file.name for file in files)
    for file in files:
        content = (folder / file.name).read_bytes()
        assert guid.encode() not in content
        assert (done.player.pseudonym_guid.encode() in content) == (guid.encode() in file.content)
        assert (folder / file.name).stat().st_mtime == file.mtime


def test_later_local_copies_are_rewritten(
    cli: Callable[..., CliResult], db: Connection, files: list[GeneratedFile], home: Path, tmp_path: Path
) -> None:
    """Through the whole pipeline: later files are anonymized in the database and in the local copy."""
    guid, _ = regular_player(files)
    source = tmp_path / "server"
    source.mkdir()
    settings = home / "etstats.toml"
    settings.write_text(f'[[servers]]\nname = "main"\npath = "{source}"\ntimezone = "Europe/Ljubljana"\n')
    write_files(source, files[:2])
    assert cli("--config", settings, "sync", "--since", "all").code == 0
    assert cli("--config", settings, "forget", guid, "--yes").code == 0
    write_files(source, files[2:])
    assert cli("--config", settings, "sync", "--since", "all").code == 0
    copies = sorted((home / "data" / "gamestats" / "main").iterdir())
    assert [path.name for path in copies] == [file.name for file in files]
    assert not [path.name for path in copies if guid.encode() in path.read_bytes()]
    assert guid not in everything(db)


def test_failed_forget_changes_nothing(db: Connection, files: list[GeneratedFile]) -> None:
    """After an error nothing has changed."""
    guid, _ = regular_player(files)
    add(db, files)
    db.execute("CREATE TABLE bar (x int); ALTER TABLE forgotten_players ADD CHECK (pseudonym = '') NOT VALID")
    db.commit()
    before = everything(db)
    with pytest.raises(psycopg.errors.CheckViolation):
        forget(db, guid, COPIES)
    assert everything(db) == before


def test_every_table_with_players_is_handled(db: Connection) -> None:
    """A new table with players must be handled by forget."""
    columns = db.execute(
        """SELECT c.table_name, c.column_name FROM information_schema.columns c
           JOIN information_schema.tables t USING (table_schema, table_name)
           WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.column_name ~ 'guid'"""
    ).fetchall()
    assert set(columns) == {
        ("player_comprehensive_stats", "player_guid"),
        ("weapon_comprehensive_stats", "player_guid"),
        ("session_teams", "player_guid"),
        ("series_teams", "player_guid"),
        ("player_identities", "player_guid"),
        ("player_identities", "identity_guid"),
        ("identity_conflicts", "player_guid"),
        ("player_ratings", "identity_guid"),
        ("player_aliases", "guid"),
        ("player_links", "player_guid"),
        ("hidden_players", "player_guid"),
        ("forgotten_players", "guid_hash"),
        ("forgotten_players", "pseudonym_guid"),
        # Their rows are deleted when rows of a player change.
        ("sealed_players", "player_guid"),
        ("sealed_player_maps", "player_guid"),
        ("sealed_weapons", "player_guid"),
        ("sealed_sessions", "player_guid"),
        ("sealed_awards", "player_guid"),
        ("sealed_careers", "player_guid"),
        ("sealed_steps", "player_guid"),
    }


def test_any_bytes_are_rewritten_by_line() -> None:
    """Replaced only at the start of a line, up to the end of the name, also in truncated and invalid lines."""
    others = {"AAAAAAAA": ("11111111", "nobody")}
    content = b"x\\map\nAAAAAAAA\\^1na\xff me\\1\\2\r\nBBBBBBBB\\AAAAAAAA\\1\nAAAAAAAA\\cut"
    assert rewrite(content, others) == b"x\\map\n11111111\\nobody\\1\\2\r\nBBBBBBBB\\AAAAAAAA\\1\n11111111\\nobody"
    assert guids(content) == {"AAAAAAAA", "BBBBBBBB"}
    assert rewrite(b"", others) == b""


def write_copies(root: Path, server: str, files: Iterable[GeneratedFile]) -> Path:
    """Write local copies as on a machine that fetched before the player was forgotten."""
    folder = root / server
    folder.mkdir(parents=True)
    write_files(folder, files)
    return folder


def files_with_guid(root: Path, guid: str) -> list[str]:
    """Return the files of a folder that contain a GUID, including hidden and partial ones."""
    return [path.name for path in root.rglob("*") if path.is_file() and guid.encode() in path.read_bytes()]


_KILLED_AT = {
    "before any copy": ("update_copies", lambda held: 1),
    "after the first copy": ("_replace", lambda held: 2),
    "before the last copy": ("_replace", lambda held: held),
    "before the version is written": ("_replace", lambda held: held + 1),
}


@pytest.mark.parametrize("moment", _KILLED_AT)
def test_killed_forget_is_completed_by_the_next_run(
    cli: Callable[..., CliResult],
    db: Connection,
    files: list[GeneratedFile],
    home: Path,
    database_url: str,
    moment: str,
) -> None:
    """If `forget` is killed at any step, the next import leaves no copy with the player."""
    guid, _ = regular_player(files)
    add(db, files)
    db.commit()
    root = home / "data" / "gamestats"
    write_copies(root, "gone-from-the-settings", files)
    held = len(files_with_guid(root, guid))
    function, at = _KILLED_AT[moment]
    program = f"""
import os, signal
from pathlib import Path
from etstats.db.connection import connect
from etstats.admin.privacy import forget
from etstats.pipeline import anonymized_copies
original, calls = anonymized_copies.{function}, []
def killed(*args, **kwargs):
    calls.append(1)
    if len(calls) == {at(held)}:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)
anonymized_copies.{function} = killed
forget(connect({database_url!r}), {guid!r}, Path({str(root)!r}))
"""
    killed = run([sys.executable, "-c", program])
    assert killed.returncode == -signal.SIGKILL
    assert "may still contain a forgotten player" in cli("health").out
    (home / "empty").mkdir()
    assert cli("import", home / "empty").code == 0
    assert files_with_guid(root, guid) == []
    assert "may still contain" not in cli("health").out
    assert not list(root.rglob("*.partial"))


def test_next_run_anonymizes_copies_on_another_machine(
    cli: Callable[..., CliResult], db: Connection, files: list[GeneratedFile], home: Path, tmp_path: Path
) -> None:
    """Each folder of copies has its version: after a `forget` elsewhere, the next run here rewrites it."""
    guid, _ = regular_player(files)
    add(db, files)
    db.commit()
    here = write_copies(home / "data" / "gamestats", "main", files)
    forget(db, guid, tmp_path / "the other machine")
    assert files_with_guid(here, guid)
    times = {path.name: path.stat().st_mtime for path in here.iterdir()}
    (home / "empty").mkdir()
    assert cli("import", home / "empty").code == 0
    assert files_with_guid(home / "data" / "gamestats", guid) == []
    assert {path.name: path.stat().st_mtime for path in here.iterdir()} == times


def test_unwritable_copy_is_an_error(
    db: Connection, files: list[GeneratedFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure the version is not stored, so the next run tries again."""
    guid, _ = regular_player(files)
    add(db, files)
    db.commit()
    write_copies(tmp_path, "main", files)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("tempfile.mkstemp", refuse)
        with pytest.raises(TemporaryError, match="cannot anonymize the local copy"):
            forget(db, guid, tmp_path)
    assert not are_copies_current(Pseudonyms(db), tmp_path)
    assert update_copies(Pseudonyms(db), tmp_path) > 0
    assert files_with_guid(tmp_path, guid) == []


def test_restored_backup_forgets_again(db: Connection, files: list[GeneratedFile], tmp_path: Path) -> None:
    """After a restore of an older backup the person is forgotten again, in newer copies too."""
    guid, _ = regular_player(files)
    add(db, files)
    db.commit()
    write_copies(tmp_path, "main", files)
    forget(db, guid, tmp_path)
    db.execute("DELETE FROM forgotten_players")  # as in the backup
    db.commit()
    assert update_copies(Pseudonyms(db), tmp_path) == 0
    for file in files:
        (tmp_path / "main" / file.name).write_bytes(file.content)
    forget(db, guid, tmp_path)
    assert files_with_guid(tmp_path, guid) == []


def test_copies_are_not_read_without_forgotten_players(db: Connection, tmp_path: Path) -> None:
    """Without forgotten players, no version is written and no file is read."""
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "note.txt").write_text("x")
    assert update_copies(Pseudonyms(db), tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["main"]
