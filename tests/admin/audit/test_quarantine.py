"""quarantine: nothing is lost, everything is shown, tried again, or let go."""

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
    """The entries, as JSON."""
    entries: list[dict[str, object]] = json.loads(cli("quarantine", "list", "--json", *options).out)
    return entries


def test_an_empty_quarantine_says_so(cli: Cli) -> None:
    """Alone the command lists; empty is a sentence, and [] as JSON."""
    assert cli("quarantine").out == "Nothing is in quarantine.\n"
    assert cli("quarantine", "--json").out == "[]\n"
    assert listed(cli) == []


def test_a_bad_file_is_listed_with_reason_and_line(cli: Cli, tmp_path: Path) -> None:
    """Import ends with 3 and one line a file, goes on with the rest, and the list says why."""
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


def test_show_points_at_the_line(cli: Cli, db: psycopg.Connection) -> None:
    """The kept bytes are shown with the reason under the line, nothing in them acting on the terminal."""
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
def test_an_unknown_name_is_refused(cli: Cli, command: str) -> None:
    """A word that names nothing exits 2 and says where to look."""
    done = cli("quarantine", command, "2025-10-02-213000-nowhere-round-1.txt")
    assert done.code == 2
    assert "etstats quarantine" in done.err


def test_retry_of_what_is_still_bad_keeps_it(cli: Cli, db: psycopg.Connection) -> None:
    """Trying again says so with exit 3, and the entry stays as it was, its age included."""
    take(db, [CUT])
    before = listed(cli)
    done = cli("quarantine", "retry")
    assert done.code == 3
    assert "still in quarantine" in done.err
    assert listed(cli) == before


def test_retry_imports_what_can_be_read_now(cli: Cli, db: psycopg.Connection) -> None:
    """A file that was refused for a reason that is gone is imported by id or by name."""
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


def test_a_bad_version_beside_a_good_file(cli: Cli, db: psycopg.Connection) -> None:
    """A cut version of a good file is listed as such; retried it stays, discarded it goes, the round stays."""
    take(db, [GOOD, CUT])
    assert [entry["has_good"] for entry in listed(cli)] == [True]
    assert cli("quarantine", "retry").code == 3
    assert column(db, "SELECT rejected_content FROM processed_files") == [CUT.content]
    assert cli("quarantine", "discard", GOOD.name).code == 0
    assert listed(cli) == []
    assert column(db, "SELECT count(*) FROM rounds") == [1]


def test_discarded_stays_away_until_it_changes(cli: Cli, db: psycopg.Connection, tmp_path: Path) -> None:
    """What was let go is neither listed nor reported again, its bytes stay; other content counts as new."""
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


def test_a_discarded_file_named_outright_is_tried_again(cli: Cli, db: psycopg.Connection) -> None:
    """Retrying by name takes a discarded file too; retrying everything does not."""
    take(db, [CUT])
    cli("quarantine", "discard", CUT.name)
    assert cli("quarantine", "retry").code == 0
    assert cli("quarantine", "retry", CUT.name).code == 3
    assert len(listed(cli)) == 1
