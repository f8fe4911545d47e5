"""Tests that ratings follow late, changed and removed rounds, in any order of imports."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from etstats.admin.privacy import forget
from etstats.db import archive
from etstats.db.connection import connect
from etstats.db.migrations import migrate
from etstats.demo.generator import GeneratedFile
from etstats.stats import ratings
from tests.conftest import CliResult, own_database
from tests.stats.ratings.conftest import add

Rows = list[tuple[object, ...]]


def stored(conn: psycopg.Connection) -> tuple[Rows, Rows]:
    """Return all stored rows of ratings, with server names."""
    with conn.transaction():
        players = conn.execute(
            """SELECT r.identity_guid, s.name, r.match_id, r.ended_at, r.mu, r.sigma, r.delta, r.position,
                      r.rounds, r.performance, r.contribution, r.trust
               FROM player_ratings r JOIN servers s ON s.id = r.server_id ORDER BY r.position, r.identity_guid"""
        ).fetchall()
        matches = conn.execute(
            """SELECT r.position, s.name, r.match_id, r.chance, r.result, r.slope, r.map_edge_sum,
                      r.any_attack_bias
               FROM rated_matches r JOIN servers s ON s.id = r.server_id ORDER BY r.position"""
        ).fetchall()
    return players, matches


def change(conn: psycopg.Connection, sql: str, *parameters: object) -> None:
    """Change rounds or players like a correction."""
    with conn.transaction():
        conn.execute(sql, parameters)


def differing(conn: psycopg.Connection) -> list[ratings.RatingDifference]:
    """Return the differences between ratings and rounds."""
    with conn.transaction():
        return list(ratings.differences(conn))


def in_parts(files: Sequence[GeneratedFile], seed: int) -> list[Sequence[GeneratedFile]]:
    """Return the files in random order, in three parts."""
    shuffled = random.Random(seed).sample(files, len(files))
    third = len(files) // 3
    return [shuffled[:third], shuffled[third : 2 * third], shuffled[2 * third :]]


def test_each_match_is_rated_once(db: psycopg.Connection) -> None:
    """A row for each match, and for each of its players; a second update has nothing to do."""
    count = ratings.update(db)
    players, matches = stored(db)
    assert count == len(matches) == db.execute("SELECT count(DISTINCT match_id) FROM rounds").fetchone()[0]  # type: ignore[index]
    assert [row[0] for row in matches] == list(range(1, count + 1))
    assert any(row[3] is not None for row in matches)
    assert {row[0] for row in players} == {
        guid for (guid,) in db.execute("SELECT DISTINCT player_guid FROM player_comprehensive_stats")
    }
    db.commit()
    assert ratings.update(db) == 0
    assert stored(db) == (players, matches)


@pytest.mark.parametrize("seed", range(3))
def test_order_of_imports_changes_no_rating(
    db: psycopg.Connection,
    admin: psycopg.Connection,
    postgres: str,
    migrated_template: str,
    files: list[GeneratedFile],
    seed: int,
) -> None:
    """Late files, with a rating after each part, give the same rows as files in order."""
    ratings.update(db)
    with own_database(admin, postgres, migrated_template) as url, connect(url) as conn:
        for part in in_parts(files, seed):
            add(conn, part)
            ratings.update(conn)
        assert stored(conn) == stored(db)


def test_new_round_rates_only_its_match(
    admin: psycopg.Connection, postgres: str, migrated_template: str, files: list[GeneratedFile]
) -> None:
    """Only the match of the newest file is rated."""
    with own_database(admin, postgres, migrated_template) as url, connect(url) as conn:
        add(conn, files[:-1])
        ratings.update(conn)
        add(conn, files[-1:])
        assert ratings.update(conn) == 1
        assert differing(conn) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE rounds SET is_voided = true WHERE id = {round_id}",
        "DELETE FROM rounds WHERE id = {round_id}",
        "UPDATE rounds SET winner_team = 3 - winner_team, round_outcome = 'unknown', held = NULL "
        "WHERE match_id = (SELECT match_id FROM rounds WHERE id = {round_id})",
        "UPDATE rounds SET ended_at = ended_at - interval '3 days' "
        "WHERE match_id = (SELECT match_id FROM rounds WHERE id = {round_id})",
        "UPDATE rounds SET bots = 1 WHERE id = {round_id}",
        "INSERT INTO hidden_players SELECT min(player_guid) FROM player_comprehensive_stats",
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_earlier_change_rates_later_matches_again(db: psycopg.Connection, sql: str, number: int) -> None:
    """The result equals that of the changed rounds from the start."""
    ratings.update(db)
    before = stored(db)
    rounds = db.execute(
        "SELECT id FROM rounds WHERE round_number = %s AND winner_team > 0 ORDER BY ended_at", [number]
    ).fetchall()
    db.commit()
    change(db, sql.format(round_id=rounds[len(rounds) // 2][0]))
    ratings.update(db)
    after = stored(db)
    assert after != before
    with db.transaction():
        ratings.rate_again(db)
    assert stored(db) == after
    assert differing(db) == []


def test_undo_restores_the_ratings(db: psycopg.Connection) -> None:
    """Voided and counted again, hidden and shown again."""
    ratings.update(db)
    before = stored(db)
    for sql, undo in (
        ("UPDATE rounds SET is_voided = true WHERE match_id = (SELECT min(match_id) FROM rounds)",
         "UPDATE rounds SET is_voided = false"),
        ("INSERT INTO hidden_players SELECT min(player_guid) FROM player_comprehensive_stats",
         "DELETE FROM hidden_players"),
    ):  # fmt: skip
        change(db, sql)
        ratings.update(db)
        assert stored(db) != before
        change(db, undo)
        ratings.update(db)
        assert stored(db) == before


def test_bot_settings_decide_which_rounds_are_rated(db: psycopg.Connection) -> None:
    """They are excluded again when the settings change back."""
    change(db, "UPDATE rounds SET bots = 1 WHERE match_id = (SELECT max(match_id) FROM rounds)")
    ratings.update(db)
    without = stored(db)
    for records in (True, False):
        with db.transaction():
            archive.store_settings(db, [], bot_rounds="humans", bot_records=records)
        ratings.update(db)
        assert (stored(db) == without) != records
        with db.transaction():
            archive.store_settings(db, [], bot_rounds="humans", bot_records=records)
        assert db.execute("SELECT count(*) FROM unrated_matches").fetchone() == (0,)
        db.commit()


def test_hidden_and_forgotten_players_have_no_rating(db: psycopg.Connection, tmp_path: Path) -> None:
    """Neither the GUID nor the pseudonym has ratings; other players of the matches do."""
    ratings.update(db)
    hidden, forgotten = [
        guid
        for (guid,) in db.execute("SELECT DISTINCT player_guid FROM player_comprehensive_stats ORDER BY 1 LIMIT 2")
    ]
    db.commit()
    change(db, "INSERT INTO hidden_players (player_guid) VALUES (%s)", hidden)
    done = forget(db, forgotten, tmp_path)
    ratings.update(db)
    players, matches = stored(db)
    rated = {row[0] for row in players}
    assert rated
    assert not rated & {hidden, forgotten, done.player.pseudonym_guid}
    assert any(row[4] is not None for row in matches)


def test_merged_players_are_rated_as_one(
    cli: Callable[..., CliResult],
    monkeypatch: pytest.MonkeyPatch,
    db: psycopg.Connection,
    admin: psycopg.Connection,
    postgres: str,
    migrated_template: str,
    files: list[GeneratedFile],
) -> None:
    """A merged player with another GUID on the last day is rated as one player; after undo as two."""
    ratings.update(db)
    (guid,) = db.execute("SELECT identity_guid FROM player_ratings ORDER BY position DESC LIMIT 1").fetchone() or (
        None,
    )
    last = files[-1].name[:10]
    renamed = [
        replace(file, content=file.content.replace(guid.encode(), b"ABCDEF01")) if file.name[:10] == last else file
        for file in files
    ]
    with own_database(admin, postgres, migrated_template) as url, connect(url) as conn:
        monkeypatch.setenv("ETSTATS_DATABASE_URL", url)
        add(conn, renamed)
        ratings.update(conn)
        apart = stored(conn)
        assert "ABCDEF01" in {row[0] for row in apart[0]}
        assert cli("correct", "merge", guid, "ABCDEF01").code == 0
        ratings.update(conn)
        assert stored(conn) == stored(db)
        assert differing(conn) == []
        assert json.loads(cli("rivals", "ABCDEF01", "--min-matches", "1", "--json").out)
        assert cli("teams", guid, "ABCDEF01").code == 2
        assert cli("correct", "undo", "1").code == 0
        ratings.update(conn)
        assert stored(conn) == apart


def test_comparison_finds_each_wrong_row(db: psycopg.Connection) -> None:
    """A changed, a missing and an added rating are found; a small rounding error is not."""
    ratings.update(db)
    change(db, "UPDATE player_ratings SET mu = mu + 1e-9 WHERE position = 1")
    assert differing(db) == []
    change(db, "UPDATE player_ratings SET mu = mu + 0.01 WHERE position = 1")
    assert {(difference.stored or difference.derived).position for difference in differing(db)} == {1}  # type: ignore[union-attr]
    change(db, "DELETE FROM player_ratings")
    assert all(difference.stored is None for difference in differing(db))
    with db.transaction():
        ratings.rate_again(db)
    assert differing(db) == []


def test_outdated_ratings_are_not_wrong(db: psycopg.Connection) -> None:
    """The comparison ends at the first change that waits for an update."""
    assert differing(db) == []
    ratings.update(db)
    change(db, "UPDATE rounds SET is_voided = true WHERE match_id = (SELECT max(match_id) FROM rounds)")
    assert differing(db) == []


def test_ratings_without_stopwatch_use_no_results(db: psycopg.Connection) -> None:
    """Without stopwatch every file is a separate match."""
    change(
        db,
        "UPDATE rounds SET match_id = match_id || '-2', round_number = 1, round1_id = NULL WHERE round_number = 2",
    )
    ratings.update(db)
    players, matches = stored(db)
    assert players
    assert {row[3] for row in matches} == {row[4] for row in matches} == {None}


def test_empty_database_has_no_ratings(empty_database_url: str) -> None:
    """Nothing to rate is not an error."""
    with connect(empty_database_url) as conn:
        migrate(conn)
        assert ratings.update(conn) == 0
        assert stored(conn) == ([], [])
