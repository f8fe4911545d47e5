"""Tests of validate: every check finds its error; a correct database has no findings."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from etstats.admin.audit.validate import OTHER_CHECKS, checks, validate
from etstats.db.checks import all_checks
from etstats.demo.generator import Quirks, generate, write_files
from tests.conftest import CliResult
from tests.importer.world import take
from tests.support.files import GUIDS, File, line, round_file
from tests.support.paths import ROOT

Cli = Callable[..., CliResult]

P, W, R = "player_comprehensive_stats", "weapon_comprehensive_stats", "rounds"
OPEN = "ALTER TABLE {} DROP CONSTRAINT {}"
DAMAGE = {
    "weapon_sums_differ": [f"UPDATE {P} SET kills = kills + 1"],
    "number_negative": [f"ALTER TABLE {P} DROP CONSTRAINT counts_are_not_negative", f"UPDATE {P} SET gibs = -1"],
    "headshots_exceed_hits": [
        f"ALTER TABLE {W} DROP CONSTRAINT weapon_comprehensive_stats_check",
        f"ALTER TABLE {W} DROP CONSTRAINT IF EXISTS weapon_comprehensive_stats_check1",
        f"ALTER TABLE {W} DROP CONSTRAINT IF EXISTS weapon_comprehensive_stats_check2",
        f"UPDATE {W} SET headshots = hits + 1",
    ],
    "hits_exceed_shots": [f"UPDATE {W} SET hits = shots + 1"],
    "round_without_players": [f"DELETE FROM {P}"],
    "file_without_round": [f"DELETE FROM {R} WHERE round_number = 2"],
    "round_of_uncounted_file": ["UPDATE processed_files SET success = false, error_message = 'no'"],
    "content_counted_twice": ["UPDATE processed_files SET source_hash = repeat('a', 64)"],
    "archive_content_differs": ["UPDATE processed_files SET content = content || 'x'"],
    "pairing_impossible": [
        f"UPDATE {P} SET was_reset = true",
        f"UPDATE {R} SET time_limit_seconds = 9 WHERE round_number = 2",
    ],
    "round_counted_twice": [
        f"UPDATE {P} p SET time_played_seconds = 600 FROM {R} r WHERE r.id = p.round_id AND r.round_number = 2",
        f"UPDATE {P} p SET kills = 9, deaths = 9, bullets_fired = 999",
        f"UPDATE {R} SET round1_id = NULL, is_cumulative = true WHERE round_number = 2",
    ],
    "session_wrong": [
        "INSERT INTO sessions (server_id) SELECT id FROM servers",
        f"UPDATE {R} SET gaming_session_id = (SELECT max(id) FROM sessions) WHERE round_number = 2",
    ],
    "round_time_impossible": [f"UPDATE {R} SET ended_at = '9999-12-31 23:00Z' WHERE round_number = 2"],
    "value_impossible": ["UPDATE player_aliases SET last_seen = 'infinity'"],
    "session_team_wrong": ["DELETE FROM session_teams"],
    "person_twice_in_round": [
        f"INSERT INTO player_identities VALUES ('{GUIDS[0]}', '{GUIDS[0]}'), ('{GUIDS[1]}', '{GUIDS[0]}')",
        f"INSERT INTO identity_conflicts SELECT round_id, player_guid FROM {P} WHERE player_guid = '{GUIDS[0]}'",
    ],
    "alias_wrong": ["UPDATE player_aliases SET times_seen = 99"],
    "content_on_two_servers": [
        "INSERT INTO servers (name) VALUES ('other')",
        "INSERT INTO processed_files"
        " (server_id, filename, file_hash, size_bytes, content, source_hash, source_size, success)"
        " SELECT s.id, filename, file_hash, size_bytes, content, source_hash, source_size, success"
        " FROM processed_files, servers s WHERE s.name = 'other'",
    ],
    "kills_differ_from_deaths": [f"UPDATE {P} SET deaths = 0"],
    "damage_differs": [f"UPDATE {P} SET team_damage_given = 7"],
    "time_played_exceeds_round": [f"UPDATE {R} SET played_seconds = 10"],
    "time_dead_exceeds_time_played": [f"UPDATE {P} SET time_dead_minutes = 220"],
    "denied_playtime_exceeds_possible": [f"UPDATE {P} SET denied_playtime = 5838"],
    "actual_time_exceeds_limit": [f"UPDATE {R} SET actual_time_seconds = 4265"],
    "round2_without_round1": [f"UPDATE {R} SET round1_id = NULL"],
    "archive_unreadable": ["UPDATE processed_files SET content = 'x'"],
    "round_differs_from_archive": [f"DELETE FROM {P} WHERE player_guid = '0000AAAA'"],
}
"""Check -> what to do to a sound database so that it finds something."""


def pair(**second: float) -> list[File]:
    """Return a valid map of two rounds; `second` changes a field of the first player in round 2."""
    loser = {"MP40": (20, 50, 2, 3, 4)}
    one = [
        line(kd_ratio=1.5, bullets_fired=60),
        line(GUIDS[1], "eve", team=2, weapons=loser, kd_ratio=0.7, bullets_fired=50),
    ]
    both = {"damage_given": 250, "damage_received": 250, "time_played_minutes": 9.0, "bullets_fired": 160}
    first = both | {"kd_ratio": 1.4} | second
    two = [
        line(rounds=1, team=2, weapons={"MP40": (50, 160, 7, 5, 6)}, **first),
        line(GUIDS[1], "eve", rounds=1, weapons={"MP40": (50, 160, 5, 7, 6)}, kd_ratio=0.7, **both),
    ]
    return [
        round_file("2025-10-02-213000", lines=one),
        round_file("2025-10-02-213800", 2, two, limit="5:00", actual="4:00"),
    ]


def found(cli: Cli, code: int | None = None) -> list[dict[str, object]]:
    """Return the findings of validate."""
    done = cli("validate", "--json")
    assert code in (None, done.code), done
    findings: list[dict[str, object]] = json.loads(done.out)
    return findings


def test_correct_database_has_no_findings(cli: Cli, db: psycopg.Connection) -> None:
    """Correct hand-written and generated sessions have no findings."""
    take(db, pair())
    assert found(cli, 0) == []


def test_generated_sessions_have_no_findings(cli: Cli, tmp_path: Path) -> None:
    """Complete generated sessions have no findings."""
    start = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
    write_files(tmp_path, generate(5, start=start, sessions=2, players=8, quirks=Quirks(renames=0.3)))
    assert cli("import", tmp_path).code == 0
    assert found(cli, 0) == []


@pytest.mark.parametrize("check", DAMAGE)
def test_each_check_finds_its_error(cli: Cli, db: psycopg.Connection, check: str) -> None:
    """Each check finds its error; an error exits with 3, a warning with 0."""
    take(db, pair())
    with db.transaction():
        for sql in DAMAGE[check]:
            db.execute(sql)
    findings = found(cli)
    own = [finding for finding in findings if finding["check"] == check]
    assert own
    severity = {check.name: str(check.severity) for check in checks()}[check]
    assert {finding["severity"] for finding in own} == {severity}
    assert cli("validate").code == (3 if any(finding["severity"] == "error" for finding in findings) else 0)


@pytest.mark.parametrize("check", DAMAGE)
def test_since_omits_older_findings(db: psycopg.Connection, check: str) -> None:
    """With --since, the findings of older rounds are omitted."""
    # Other content: the same again would be a duplicate.
    later = [File(file.name.replace("10-02", "10-05"), file.content.replace(b"eve", b"mel")) for file in pair()]
    take(db, [*pair(), *later])
    with db.transaction():
        for sql in DAMAGE[check]:
            db.execute(sql)
        ended: dict[int, datetime] = dict(db.execute("SELECT id, ended_at FROM rounds").fetchall())
    since = sorted(ended.values())[-1]
    gap = timedelta(hours=1)
    whole = validate(db, gap).findings
    reported = [
        finding
        for finding in whole
        if (finding.filename is not None if finding.round_id is None else ended[finding.round_id] >= since)
    ]
    assert validate(db, gap, since).findings == reported
    assert any(finding.check == check for finding in whole)


ALONE = {"kd_ratio": 1.5, "bullets_fired": 60}
FILES = {
    "kd_of_file_differs": pair(kd_ratio=9.9),
    "bullets_of_file_differ": pair(bullets_fired=161),
    "counter_fell": [
        round_file("2025-10-02-213000", lines=[line(gibs=3, **ALONE)]),
        round_file("2025-10-02-213800", 2, [line(rounds=1, time_played_minutes=9.0, **ALONE)], limit="5:00"),
    ],
    "counter_reset": [
        pair()[0],
        round_file("2025-10-02-213800", 2, [line(rounds=0, **ALONE)], limit="5:00"),
    ],
    "text_not_utf8": [
        File(file.name, file.content.replace(b"eve", b"\xff\xfe"), file.mtime) for file in pair()[:1]
    ],
    "map_missing": [
        round_file("2025-10-02-213000", 2, [line(**ALONE)]),
        round_file("2025-10-02-220000", 2, [line(rounds=2, time_played_minutes=9.0, **ALONE)]),
    ],
    "newer_layout": [
        File(file.name, file.content.replace(b"\n", b"\t7\n").replace(b"\t7", b"", 1), file.mtime)
        for file in pair()[:1]
    ],
    "unreadable_value": [
        round_file("2025-10-02-213000", lines=[line(gibs=77, **ALONE).replace("\t77\t", "\tmany\t")]),
    ],
}


@pytest.mark.parametrize("check", FILES)
def test_contradictions_in_archived_files_are_warnings(cli: Cli, db: psycopg.Connection, check: str) -> None:
    """Contradictions within a file, or with its round 1, are warnings with file and player."""
    if check == "map_missing":
        with db.transaction():
            db.execute("INSERT INTO servers (name, stopwatch) VALUES ('main', false)")
    take(db, FILES[check])
    own = [finding for finding in found(cli, 0) if finding["check"] == check]
    assert len(own) == 1
    assert own[0]["filename"] == FILES[check][-1].name
    assert own[0]["player_guid"] == (None if check in ("text_not_utf8", "newer_layout") else GUIDS[0])


def test_every_check_is_tested_and_documented() -> None:
    """Every check is tested, and documented with its severity."""
    names = {check.name for check in checks()}
    assert names == DAMAGE.keys() | FILES.keys()
    assert len(names) == len(all_checks()) + len(OTHER_CHECKS)
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    for check in checks():
        assert f"| `{check.name}` | {check.severity} |" in text


def test_findings_name_round_player_and_value(cli: Cli, db: psycopg.Connection) -> None:
    """Every format has file, round, player, field, value and expected value."""
    take(db, pair())
    with db.transaction():
        db.execute(
            f"UPDATE {P} SET time_dead_minutes = 30 WHERE player_guid = '0000AAAA' AND time_played_seconds = 300"
        )
    finding = found(cli, 0)[0]
    assert finding == {
        "severity": "warning",
        "check": "time_dead_exceeds_time_played",
        "server": "main",
        "filename": "2025-10-02-213000-supply-round-1.txt",
        "round_id": finding["round_id"],
        "player_guid": "0000AAAA",
        "player_name": "^1bo",
        "field": "time_dead_minutes",
        "value": "30.0",
        "expected": "at most 5.0",
    }
    assert "time_dead_exceeds_time_played" in cli("validate").out
    assert cli("validate", "--csv").out.splitlines()[1].startswith("warning,time_dead_exceeds_time_played,")
    assert cli("validate", "--since", "24h", "--json").out == "[]\n"
    assert cli("validate", "--errors", "--json").out == "[]\n"
    assert "1 round" not in cli("-q", "validate").err
