"""Tests of `etstats diagnose` with a game server, local copies and a database."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from etstats.db import archive, inventory
from etstats.demo.generator import GeneratedFile, Quirks, generate_session
from tests.conftest import CliResult
from tests.pipeline.conftest import START, ZONE, Database, Game, configure
from tests.support.files import cut
from tests.support.sftp_server import free_port

Cli = Callable[..., CliResult]


def diagnose(cli: Cli, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the JSON document of the server."""
    done = cli("diagnose", "--json", *arguments)
    (server,) = json.loads(done.out)
    return done.code, server


def kinds(server: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Return the verdict and the number of files of each finding."""
    return {finding["kind"]: (finding["verdict"], finding["files"]) for finding in server["findings"]}


def test_no_differences_after_a_sync(cli: Cli, game: Game, files: list[GeneratedFile]) -> None:
    """Without differences: one sentence, the counts, nothing to do, exit code 0."""
    cli("sync")
    done = cli("diagnose")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        f"main: {len(files)} on the server, {len(files)} in the folder, {len(files)} processed: "
        "all imported, nothing to do."
    )
    assert "look at this" not in done.out


def test_deleted_copies_are_explained_and_restored(
    cli: Cli, game: Game, local: Path, files: list[GeneratedFile]
) -> None:
    """Deleted copies are explained; `--restore` restores bytes and times without a connection to the server."""
    cli("sync")
    for file in files[:3]:
        (local / file.name).unlink()
    done = cli("diagnose")
    assert done.code == 0
    assert "3 old files deleted locally, all imported, nothing to do." in done.out
    assert "fine, because all are imported and the database keeps their bytes" in done.out
    assert f"{START:%Y-%m}: 3" in done.out
    game.server.opened.clear()
    code, server = diagnose(cli, "--restore", "--offline")
    assert (code, server["restored"]) == (0, {"from_archive": 3, "from_server": 0, "failed": []})
    assert server["findings"] == []
    assert game.server.opened == []
    for file in files[:3]:
        assert (local / file.name).read_bytes() == file.content
        assert int((local / file.name).stat().st_mtime) == file.mtime
    assert "nothing new" in cli("sync").err


def test_restore_fetches_files_missing_in_the_database(
    cli: Cli, game: Game, database: Database, local: Path, files: list[GeneratedFile]
) -> None:
    """Files that are only on the server are copied to the folder; the next sync imports them."""
    code, server = diagnose(cli, "--restore")
    assert server["restored"] == {"from_archive": 0, "from_server": len(files), "failed": []}
    assert (code, kinds(server)) == (3, {"not_imported": ("look at this", len(files))})
    assert {path.name for path in local.iterdir()} == {file.name for file in files}
    assert database.rounds == 0
    assert cli("sync").code == 0
    assert database.rounds == len(files)


def test_restore_reports_files_it_cannot_copy(cli: Cli, game: Game, files: list[GeneratedFile]) -> None:
    """A file without read permission is reported; the others are copied."""
    game.server.faults.deny.add(files[0].name)
    done = cli("diagnose", "--restore")
    assert done.code == 3
    assert f"0 from the archive, {len(files) - 1} from the server" in done.out
    assert f"not restored: {files[0].name}: " in done.out


def test_old_files_that_sync_skips_are_reported(cli: Cli, game: Game, database: Database) -> None:
    """Old files that were added to the server need attention; the report has the command."""
    cli("sync")
    old = generate_session(
        41, start=START - timedelta(days=30), zone=ZONE, players=4, maps=(1, 1), quirks=Quirks()
    )
    game.write(*old.files)
    cli("sync")
    done = cli("diagnose")
    since = f"{START - timedelta(days=30):%Y-%m-%d}"
    assert done.code == 3
    assert "2 files on the server and not imported" in done.out
    assert f"to do: run: etstats sync --server main --since {since}" in done.out
    assert cli("sync", "--server", "main", "--since", since).code == 0
    assert cli("diagnose").code == 0


def test_truncated_round_1_is_reported_and_a_duplicate_is_not(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """A truncated round 1 leaves its round 2 alone, which is reported; a second name for equal bytes is not."""
    first = files[0]
    assert "round-1" in first.name
    game.put(first.name, cut(first), first.mtime)
    copy = files[-1].name.replace("-round-2", "-round-2").replace("2025-10-0", "2025-10-1", 1)
    game.put(copy, files[-1].content, files[-1].mtime + 60)
    cli("sync")
    code, server = diagnose(cli)
    assert code == 3
    assert kinds(server) == {
        "quarantined": ("look at this", 1),
        "round2_alone": ("look at this", 1),
        "duplicates": ("fine", 1),
    }
    assert server["counts"] == {
        "on_server": len(files) + 1,
        "in_folder": len(files) + 1,
        "processed": len(files) + 1,
        "good": len(files) - 1,
        "duplicates": 1,
        "quarantined": 1,
        "discarded": 0,
        "rounds": len(files) - 1,
    }
    assert [(day["day"], day["missing"], day["unpaired"]) for day in server["gap_days"]] == [("2025-10-02", 1, 1)]
    lines = list(csv.DictReader(cli("diagnose", "--csv").out.splitlines()))
    assert [(line["verdict"], int(line["files"]), line["to_do"]) for line in lines] == [
        (finding["verdict"], finding["files"], finding["to_do"]) for finding in server["findings"]
    ]
    assert cli("diagnose", "--markdown").out.startswith("| Server | Files |")


def test_local_differences_are_reported_without_the_server(cli: Cli, game: Game, home: Path) -> None:
    """If the server fails, the local locations are reported anyway, with the exit code of the failure."""
    cli("sync")
    game.options["port"] = free_port()
    configure(home, game)
    done = cli("diagnose")
    assert done.code == 75
    assert "look at this: no listing of the server: cannot reach" in done.out
    code, server = diagnose(cli)
    assert (code, server["counts"]["on_server"], server["counts"]["good"]) == (75, None, 8)
    assert cli("diagnose", "--offline").code == 0


def test_unknown_host_key_sets_the_exit_code(cli: Cli, game: Game) -> None:
    """A server with an unknown host key is not listed."""
    game.server.known_hosts.write_text("")
    assert diagnose(cli)[0] == 4


def test_servers_without_settings_are_reported(
    cli: Cli, game: Game, tmp_path: Path, files: list[GeneratedFile]
) -> None:
    """An imported archive of an old server is reported besides the configured one; `--server` selects one."""
    cli("sync")
    (tmp_path / files[0].name).write_bytes(files[0].content)
    cli("import", tmp_path / files[0].name, "--server", "old")
    names = [server["server"] for server in json.loads(cli("diagnose", "--json").out)]
    assert names == ["main", "old"]
    assert diagnose(cli, "--server", "old")[1]["counts"]["on_server"] is None
    wrong = cli("diagnose", "--server", "nowhere")
    assert (wrong.code, "nowhere" in wrong.err) == (2, True)


def test_empty_installation_names_the_first_step(cli: Cli) -> None:
    """Without a server and without files there is nothing to diagnose."""
    done = cli("diagnose")
    assert (done.code, "etstats init" in done.err) == (2, True)


def test_growing_difference_is_reported_with_its_start(
    cli: Cli, game: Game, db: psycopg.Connection, local: Path, files: list[GeneratedFile]
) -> None:
    """Compared with earlier runs, a difference is stable, growing or shrinking since a day."""
    cli("sync")
    long_ago = datetime(2025, 10, 3, 12, tzinfo=UTC)
    with db.transaction():
        server_id = archive.server_id(db, "main")
        assert server_id is not None
        db.execute("DELETE FROM file_counts")
        inventory.record(db, server_id, {"deleted_locally": 1, "good": len(files)}, long_ago)
    for file in files[:3]:
        (local / file.name).unlink()
    server = diagnose(cli)[1]
    since = long_ago.isoformat()
    assert server["courses"]["good"] == {"trend": "stable", "since": since, "was": None}
    assert server["findings"][0]["course"] == {"trend": "growing", "since": since, "was": 1}
    assert diagnose(cli)[1]["findings"][0]["course"]["trend"] == "stable"
    (out,) = {line for line in cli("diagnose").out.splitlines() if " good " in line}
    assert "stable since 2025-10-03" in out


def test_unchanged_count_stays_one_row(db: psycopg.Connection) -> None:
    """An unchanged count stays one row; a changed count starts a new row."""
    began = datetime(2025, 10, 3, 12, tzinfo=UTC)
    with db.transaction():
        server_id = archive.add_server(db, "main")
        for minutes, count in ((0, 5), (1, 5), (90, 5), (91, 6), (200, 5)):
            inventory.record(db, server_id, {"good": count, "rounds": 1}, began + timedelta(minutes=minutes))
        found = inventory.counted_before(db, server_id)
    spans = [
        (
            server.count,
            (server.first_seen - began) // timedelta(minutes=1),
            (server.last_seen - began) // timedelta(minutes=1),
        )
        for server in found["good"]
    ]
    assert spans == [(5, 0, 90), (6, 91, 91), (5, 200, 200)]
    assert len(found["rounds"]) == 1


def test_sync_records_the_counts(cli: Cli, game: Game, db: psycopg.Connection, files: list[GeneratedFile]) -> None:
    """Each sync records the counts that diagnose compares with."""
    cli("sync")
    with db.transaction():
        rows: dict[str, int] = dict(db.execute("SELECT what, count FROM file_counts").fetchall())
    assert rows == {
        "on_server": len(files),
        "processed": len(files),
        "good": len(files),
        "duplicates": 0,
        "in_quarantine": 0,
        "left_out": 0,
        "rounds": len(files),
    }


def test_changed_local_copy_is_reported_and_restored(
    cli: Cli, game: Game, local: Path, files: list[GeneratedFile]
) -> None:
    """A copy with another size than fetched is reported, and restored after it is deleted."""
    cli("sync")
    (local / files[0].name).write_bytes(b"edited\n")
    code, server = diagnose(cli)
    assert (code, kinds(server)) == (3, {"local_differs": ("look at this", 1)})
    (local / files[0].name).unlink()
    assert diagnose(cli, "--restore")[0] == 0
    assert (local / files[0].name).read_bytes() == files[0].content


@pytest.mark.parametrize("width", [60, 80, 120])
def test_output_fits_every_terminal_width(
    cli: Cli, game: Game, local: Path, monkeypatch: pytest.MonkeyPatch, files: list[GeneratedFile], width: int
) -> None:
    """At all common widths words are wrapped, and numbers are not truncated."""
    from etstats import output

    game.put(files[-1].name, cut(files[-1]), files[-1].mtime)
    cli("sync")
    (local / files[0].name).unlink()
    monkeypatch.setenv("COLUMNS", str(width))
    output.out.cache_clear()
    done = cli("diagnose")
    output.out.cache_clear()
    assert done.code == 3
    assert max(len(line) for line in done.out.splitlines()) <= width
    assert "…" not in done.out
