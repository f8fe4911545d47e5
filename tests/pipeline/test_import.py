"""`etstats import`: files and folders of this machine, through the same door."""

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
from tests.pipeline.conftest import Base
from tests.pipeline.test_sync import cut

Cli = Callable[..., CliResult]


@pytest.fixture
def folder(tmp_path: Path, files: list[GeneratedFile]) -> Path:
    """An archive of a session as people keep them: two folders deep, with what lies next to."""
    root = tmp_path / "archive"
    for part, name in ((files[:4], "2025/10"), (files[4:], "2025/more")):
        (root / name).mkdir(parents=True)
        write_files(root / name, part)
    stem = files[0].name.removesuffix(".txt")
    for other in (f"{stem}_ws.txt", f"{stem}-endstats.txt", "README", ".DS_Store"):
        (root / "2025" / other).write_bytes(files[0].content)
    return root


def test_folder_is_walked_and_other_files_are_left(
    cli: Cli, folder: Path, base: Base, files: list[GeneratedFile]
) -> None:
    """Round files are found at any depth; what else lies there is counted, and not read."""
    done = cli("import", folder)
    assert (done.code, done.out) == (0, "")
    assert f"import: {len(files)} imported, 4 skipped by name" in done.err
    assert base.rounds == len(files)
    again = cli("import", folder)
    assert (again.code, f"{len(files)} known" in again.err) == (0, True)


def test_quiet_import_that_succeeds_says_nothing(cli: Cli, folder: Path) -> None:
    """Silence is success here as well."""
    assert cli("-q", "import", folder) == CliResult(code=0, out="", err="")


def test_loops_of_links_end(cli: Cli, folder: Path, base: Base, files: list[GeneratedFile]) -> None:
    """A link to a folder above is not followed, so that every file is met once."""
    (folder / "2025" / "loop").symlink_to(folder)
    (folder / "2025" / "dangling.txt").symlink_to(folder / "nothing")
    assert cli("import", folder).code == 0
    assert base.rounds == len(files)


def test_file_named_outright_goes_to_quarantine_when_it_is_no_round(
    cli: Cli, tmp_path: Path, base: Base, files: list[GeneratedFile]
) -> None:
    """A foreign file that is asked for by name is kept with the reason, and the rest goes on."""
    foreign = tmp_path / "holiday.txt"
    foreign.write_text("We went to the sea.\n")
    write_files(tmp_path, files[:1])
    done = cli("import", foreign, tmp_path / files[0].name)
    assert done.code == 3
    assert "quarantined: holiday.txt: " in done.err
    assert (base.names("NOT success"), base.rounds) == (["holiday.txt"], 1)


def test_cut_file_is_quarantined_at_once(cli: Cli, tmp_path: Path, base: Base, files: list[GeneratedFile]) -> None:
    """A file on disk does not grow: half of one goes to quarantine without a wait."""
    (tmp_path / files[0].name).write_bytes(cut(files[0]))
    assert cli("-q", "import", tmp_path / files[0].name).code == 3
    assert base.names("NOT success") == [files[0].name]
    (tmp_path / files[0].name).write_bytes(files[0].content)
    assert cli("-q", "import", tmp_path / files[0].name) == CliResult(code=0, out="", err="")
    assert base.names("success") == [files[0].name]


@pytest.mark.parametrize("name", ["nowhere", "x" * 300])
def test_path_that_is_not_there_stores_nothing(cli: Cli, folder: Path, base: Base, name: str) -> None:
    """One wrong path and nothing is done: exit code 2, the path, one line."""
    done = cli("import", folder, folder / name)
    assert (done.code, base.names()) == (2, [])
    assert name[:50] in done.err
    assert len(done.err.splitlines()) == 1


def test_folder_that_may_not_be_read_is_refused(reachable_dir: Path, files: list[GeneratedFile]) -> None:
    """A folder without permission is named, not passed over."""
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
def test_what_is_neither_file_nor_folder_is_refused(
    cli: Cli, tmp_path: Path, base: Base, files: list[GeneratedFile], kind: str
) -> None:
    """A named pipe would be waited for without end; nothing is stored. In a folder it is passed over."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    path = Path(os.devnull) if kind == "device" else folder / files[0].name
    if kind != "device":
        os.mknod(path, 0o600 | (stat.S_IFIFO if kind == "fifo" else stat.S_IFSOCK))
    for options in ((), ("--dry-run",)):
        done = cli("import", path, *options)
        assert (done.code, "not a regular file or folder" in done.err) == (2, True), done.err
    assert base.rounds == 0
    assert cli("import", folder).code == 0


def test_limit_takes_the_oldest(cli: Cli, folder: Path, base: Base, files: list[GeneratedFile]) -> None:
    """`--limit` begins with the oldest, so that a second call with more goes on where the first ended."""
    assert cli("import", folder, "--limit", "3").code == 0
    assert base.names() == sorted(f.name for f in files)[:3]
    assert cli("import", folder, "--limit", "0").code == 2


def test_dry_run_checks_and_stores_nothing(cli: Cli, folder: Path, base: Base, files: list[GeneratedFile]) -> None:
    """`--dry-run` reads every file and says which would go to quarantine, without a database."""
    (folder / files[0].name).write_bytes(cut(files[0]))
    done = cli("import", "--dry-run", folder)
    assert done.code == 3
    assert f"quarantined: {files[0].name}: line " in done.err
    assert f"checked: {len(files)} whole, 1 quarantined" in done.err
    assert base.names() == []


def test_server_whose_files_these_are(cli: Cli, folder: Path, base: Base, home: Path) -> None:
    """Files go to the server that is named, to `main` where none is configured."""
    cli("import", folder, "--server", "old")
    cli("import", folder)
    assert base.value("SELECT array_agg(name ORDER BY name) FROM servers") == ["main", "old"]
    assert base.rounds == 16


def test_import_and_sync_know_each_others_files(
    cli: Cli, folder: Path, base: Base, game: object, files: list[GeneratedFile]
) -> None:
    """What an archive brought in is not fetched from the server again."""
    cli("import", folder)
    done = cli("sync", "--since", "all")
    assert (done.code, base.rounds) == (0, len(files))
    assert "nothing new" in done.err
