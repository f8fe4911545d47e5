"""`etstats import`: local files and folders."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from etstats.demo.generator import GeneratedFile, write_files
from etstats.errors import ConfigError
from etstats.pipeline import import_run
from tests.conftest import CliResult
from tests.pipeline.conftest import Database
from tests.support.files import cut

Cli = Callable[..., CliResult]


@pytest.fixture
def folder(tmp_path: Path, files: list[GeneratedFile]) -> Path:
    """A folder tree with round files and other files."""
    root = tmp_path / "archive"
    for part, name in ((files[:4], "2025/10"), (files[4:], "2025/more")):
        (root / name).mkdir(parents=True)
        write_files(root / name, part)
    stem = files[0].name.removesuffix(".txt")
    for other in (f"{stem}_ws.txt", f"{stem}-endstats.txt", "README", ".DS_Store"):
        (root / "2025" / other).write_bytes(files[0].content)
    return root


def test_round_files_are_found_at_any_depth(
    cli: Cli, folder: Path, database: Database, files: list[GeneratedFile]
) -> None:
    """Round files are found at any depth; other files are counted and not read."""
    done = cli("import", folder)
    assert (done.code, done.out) == (0, "")
    assert f"import: {len(files)} imported, 4 skipped by name" in done.err
    assert database.rounds == len(files)
    again = cli("import", folder)
    assert (again.code, f"{len(files)} known" in again.err) == (0, True)


def test_quiet_import_prints_nothing(cli: Cli, folder: Path) -> None:
    """With `-q` a successful import prints nothing."""
    assert cli("-q", "import", folder) == CliResult(code=0, out="", err="")


def test_link_loops_are_not_followed(
    cli: Cli, folder: Path, database: Database, files: list[GeneratedFile]
) -> None:
    """Links to parent folders are not followed."""
    (folder / "2025" / "loop").symlink_to(folder)
    (folder / "2025" / "dangling.txt").symlink_to(folder / "nothing")
    assert cli("import", folder).code == 0
    assert database.rounds == len(files)


@pytest.mark.parametrize("name", ["holiday.txt", "2025-10-02-213000-supply-round-3.txt", "round-1.txt"])
@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_named_file_that_is_not_a_round_file_is_refused(
    cli: Cli, tmp_path: Path, database: Database, files: list[GeneratedFile], name: str, options: list[str]
) -> None:
    """Nothing is stored, not even the round files given with it."""
    foreign = tmp_path / name
    foreign.write_bytes(files[0].content)
    write_files(tmp_path, files[:1])
    done = cli("import", *options, foreign, tmp_path / files[0].name)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"{foreign}: not a round file; " in done.err
    assert database.names() == []
    assert "empty" in cli("health").out


def test_mistyped_path_gets_a_suggestion(cli: Cli, tmp_path: Path, files: list[GeneratedFile]) -> None:
    """The error suggests the most similar name."""
    write_files(tmp_path, files[:1])
    meant = tmp_path / files[0].name
    done = cli("import", meant.with_name(meant.name.replace("round", "ruond")))
    assert done.code == 2
    assert f"Did you mean {meant}?" in done.err


def test_glob_skips_other_files(cli: Cli, folder: Path, database: Database) -> None:
    """Weapon dumps and awards are skipped, so that `import FOLDER/*` works."""
    named = sorted((folder / "2025").glob("*.txt")) + sorted((folder / "2025" / "10").glob("*"))
    done = cli("import", *named)
    assert done.code == 0
    assert "4 imported, 2 skipped by name" in done.err
    assert database.rounds == 4


def test_names_that_look_like_rounds_are_reported(cli: Cli, folder: Path, database: Database) -> None:
    """A name that ends like a round file is never skipped silently."""
    (folder / "2025-99-02-213000-supply-round-1.txt").write_bytes(b"")
    (folder / "2025-10-02-213000-a\\b-round-1.txt").write_bytes(b"")
    (folder / "2025-10-02-213000-\x1b[2J\n-round-1.txt").write_bytes(b"")
    done = cli("import", folder)
    assert done.code == 3
    assert done.err.count("refused: ") == 3
    assert "3 refused by name" in done.err
    assert "\x1b" not in done.err
    assert database.rounds == 8


def test_truncated_file_is_quarantined_at_once(
    cli: Cli, tmp_path: Path, database: Database, files: list[GeneratedFile]
) -> None:
    """A truncated local file goes to quarantine without a wait."""
    (tmp_path / files[0].name).write_bytes(cut(files[0]))
    assert cli("-q", "import", tmp_path / files[0].name).code == 3
    assert database.names("NOT success") == [files[0].name]
    (tmp_path / files[0].name).write_bytes(files[0].content)
    assert cli("-q", "import", tmp_path / files[0].name) == CliResult(code=0, out="", err="")
    assert database.names("success") == [files[0].name]


@pytest.mark.parametrize("name", ["nowhere", "x" * 300])
def test_missing_path_stores_nothing(cli: Cli, folder: Path, database: Database, name: str) -> None:
    """A missing path: exit code 2, one line with the path, nothing stored."""
    done = cli("import", folder, folder / name)
    assert (done.code, database.names()) == (2, [])
    assert name[:50] in done.err
    assert len(done.err.splitlines()) == 1


def test_unreadable_folder_is_refused(reachable_dir: Path, files: list[GeneratedFile]) -> None:
    """A folder without permission is an error."""
    closed = reachable_dir / "closed"
    closed.mkdir()
    write_files(closed, files[:1])
    closed.chmod(0)
    before = os.geteuid()
    try:
        if before == 0:
            os.seteuid(65534)  # root may read everything
        with pytest.raises(ConfigError, match="closed: cannot be read: Permission denied"):
            import_run.check([closed])
    finally:
        os.seteuid(before)
        closed.chmod(0o700)
        shutil.rmtree(closed)


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_named_pipe_is_refused(
    cli: Cli, tmp_path: Path, database: Database, files: list[GeneratedFile], kind: str
) -> None:
    """A named pipe is refused without waiting; in a folder it is skipped."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    path = Path(os.devnull) if kind == "device" else folder / files[0].name
    if kind != "device":
        os.mknod(path, 0o600 | (stat.S_IFIFO if kind == "fifo" else stat.S_IFSOCK))
    for options in ((), ("--dry-run",)):
        done = cli("import", path, *options)
        assert (done.code, "not a regular file or folder" in done.err) == (2, True), done.err
    assert database.rounds == 0
    assert cli("import", folder).code == 0


def test_limit_imports_the_oldest_files(
    cli: Cli, folder: Path, database: Database, files: list[GeneratedFile]
) -> None:
    """`--limit` imports the oldest files; a second call continues."""
    assert cli("import", folder, "--limit", "3").code == 0
    assert database.names() == sorted(file.name for file in files)[:3]
    assert cli("import", folder, "--limit", "0").code == 2


def test_dry_run_checks_and_stores_nothing(
    cli: Cli, folder: Path, database: Database, files: list[GeneratedFile]
) -> None:
    """`--dry-run` parses every file and reports invalid ones, without a database."""
    (folder / files[0].name).write_bytes(cut(files[0]))
    done = cli("import", "--dry-run", folder)
    assert done.code == 3
    assert f"quarantined: {files[0].name}: line " in done.err
    assert f"checked: {len(files)} whole, 1 quarantined" in done.err
    assert database.names() == []


def test_files_are_stored_for_the_named_server(cli: Cli, folder: Path, database: Database, home: Path) -> None:
    """Files are stored for the named server, or `main` if none is configured."""
    cli("import", folder, "--server", "old")
    cli("import", folder)
    assert database.value("SELECT array_agg(name ORDER BY name) FROM servers") == ["main", "old"]
    assert database.rounds == 16


def test_imported_files_are_not_fetched_by_sync(
    cli: Cli, folder: Path, database: Database, game: object, files: list[GeneratedFile]
) -> None:
    """Imported files are not fetched again by sync."""
    cli("import", folder)
    done = cli("sync", "--since", "all")
    assert (done.code, database.rounds) == (0, len(files))
    assert "nothing new" in done.err
