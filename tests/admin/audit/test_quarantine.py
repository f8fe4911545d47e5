"""Tests of quarantine: list, show, retry and discard."""

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.conftest import CliResult
from tests.importer.world import column, take
from tests.support.files import File, line, round_file

Cli = Callable[..., CliResult]
GOOD = round_file("2025-10-02-213000")
CUT = File(GOOD.name, GOOD.content[:-30])


def listed(cli: Cli, *options: str) -> list[dict[str, object]]:
    """Return the entries, as JSON."""
    entries: list[dict[str, object]] = json.loads(cli("quarantine", "list", "--json", *options).out)
    return entries


def test_empty_quarantine_is_reported(cli: Cli) -> None:
    """Without a subcommand the files are listed; an empty list is a sentence, and [] as JSON."""
    assert cli("quarantine").out == "No files in quarantine.\n"
    assert cli("quarantine", "--json").out == "[]\n"
    assert listed(cli) == []


def test_bad_file_is_listed_with_reason_and_line(cli: Cli, tmp_path: Path) -> None:
    """Import exits with 3, prints one line per bad file, imports the others, and the list has the reasons."""
    (tmp_path / CUT.name).write_bytes(CUT.content)
    (tmp_path / "2025-10-02-220000-radar-round-1.txt").write_bytes(
        round_file("2025-10-02-220000", map_name="radar").content
    )
    done = cli("import", tmp_path)
    assert done.code == 3
    assert done.err.count(CUT.name) == 1
    assert "1 imported" in done.err
    entry = listed(cli)[0]
    assert (entry["filename"], entry["line"], entry["has_good"]) == (CUT.name, 3, False)
    assert entry["reason"] == "truncated: no newline at the end"
    assert entry["size_bytes"] == len(CUT.content)
    assert "truncated: no newline" in cli("quarantine").out


def test_show_marks_the_line(cli: Cli, db: psycopg.Connection) -> None:
    """The stored bytes are shown with the reason below the line, with control characters escaped."""
    evil = round_file("2025-10-02-213000", lines=[line(name="\x1b[31mbo[bold]"), "half\\a\\line"])
    take(db, [evil])
    out = cli("quarantine", "show", evil.name).out
    assert "\x1b" not in out
    assert "[31mbo[bold]" in out
    rows = out.splitlines()
    assert rows[3].startswith("   3  half")
    assert rows[4].startswith("   ^  not a player line")
    shown = json.loads(cli("quarantine", "show", evil.name, "--json").out)
    assert shown[0]["lines"][2] == "half\\a\\line"


@pytest.mark.parametrize("command", ["show", "retry", "discard"])
@pytest.mark.parametrize("name", ["2025-10-02-213000-nowhere-round-1.txt", "last"])
def test_unknown_name_is_refused(cli: Cli, command: str, name: str) -> None:
    """An unknown id or name exits with 2 and names the command that lists the files."""
    done = cli("quarantine", command, name)
    assert done.code == 2
    assert "etstats quarantine" in done.err


def test_last_selects_the_newest_listed_file(cli: Cli, db: psycopg.Connection) -> None:
    """`last` is accepted where an id is; a discarded file is not the last one."""
    other = File("2025-10-02-220000-radar-round-1.txt", b"not a round\n")
    take(db, [CUT])
    take(db, [other])
    assert other.name in cli("quarantine", "show", "last").out
    assert cli("quarantine", "discard", "last").code == 0
    assert [entry["filename"] for entry in listed(cli)] == [CUT.name]
    assert CUT.name in cli("quarantine", "show", "last").out
    assert CUT.name in cli("quarantine", "retry", "last").err


def test_failed_retry_keeps_the_entry(cli: Cli, db: psycopg.Connection) -> None:
    """A failed retry exits with 3 and does not change the entry or its age."""
    take(db, [CUT])
    before = listed(cli)
    done = cli("quarantine", "retry")
    assert done.code == 3
    assert "still in quarantine" in done.err
    assert listed(cli) == before


def test_retry_imports_files_that_are_valid_now(cli: Cli, db: psycopg.Connection) -> None:
    """A file that is valid now is imported by id or by name."""
    with db.transaction():
        db.execute("ALTER TABLE weapon_comprehensive_stats ADD CONSTRAINT strict CHECK (weapon_name <> 'MP40')")
    take(db, [GOOD, round_file("2025-10-02-214000", map_name="radar")])
    assert len(listed(cli)) == 2
    with db.transaction():
        db.execute("ALTER TABLE weapon_comprehensive_stats DROP CONSTRAINT strict")
    assert cli("quarantine", "retry", str(listed(cli)[0]["id"])).code == 0
    assert cli("quarantine", "retry", "2025-10-02-214000-radar-round-1.txt").code == 0
    assert listed(cli) == []
    assert column(db, "SELECT count(*) FROM rounds") == [2]


def test_bad_version_does_not_replace_a_good_file(cli: Cli, db: psycopg.Connection) -> None:
    """A truncated version of a good file is listed; retry keeps it, discard removes it, the round is unchanged."""
    take(db, [GOOD, CUT])
    assert [entry["has_good"] for entry in listed(cli)] == [True]
    assert cli("quarantine", "retry").code == 3
    assert column(db, "SELECT rejected_content FROM processed_files") == [CUT.content]
    assert cli("quarantine", "discard", GOOD.name).code == 0
    assert listed(cli) == []
    assert column(db, "SELECT count(*) FROM rounds") == [1]


def test_discarded_file_is_ignored_until_it_changes(cli: Cli, db: psycopg.Connection, tmp_path: Path) -> None:
    """A discarded file is not listed or reported again, but its bytes are kept; new content is reported."""
    take(db, [CUT])
    assert cli("quarantine", "discard", str(listed(cli)[0]["id"])).code == 0
    assert listed(cli) == []
    assert len(listed(cli, "--all")) == 1
    (tmp_path / CUT.name).write_bytes(CUT.content)
    assert cli("import", tmp_path).code == 0
    assert listed(cli) == []
    (tmp_path / CUT.name).write_bytes(CUT.content[:-5])
    assert cli("import", tmp_path).code == 3
    assert len(listed(cli)) == 1
    (tmp_path / CUT.name).write_bytes(GOOD.content)
    assert cli("import", tmp_path).code == 0
    assert listed(cli, "--all") == []
    assert column(db, "SELECT count(*) FROM rounds") == [1]


def test_discarded_file_is_retried_by_name(cli: Cli, db: psycopg.Connection) -> None:
    """Retry by name includes a discarded file; retry of all files does not."""
    take(db, [CUT])
    cli("quarantine", "discard", CUT.name)
    assert cli("quarantine", "retry").code == 0
    assert cli("quarantine", "retry", CUT.name).code == 3
    assert len(listed(cli)) == 1
