"""Times of ratings: all matches of a large database, one more match, and `teams` as a complete process."""

import gc
import time

from benchmarks.measuring import median, table
from etstats.db import embedded
from etstats.db.connection import Connection, connect
from etstats.db.migrations import migrate
from etstats.stats import ratings
from tests.support.workspace import Workspace, workspace

MATCHES, SMALL_MATCHES = 40_000, 4_000
PLAYERS, PEOPLE = 12, 400
ADDED = 20

# Straight into the tables: importing 80,000 files would take the most of the time, and is measured elsewhere.
_FILL = f"""
INSERT INTO servers (name) VALUES ('main');
INSERT INTO sessions (server_id) SELECT 1 FROM generate_series(0, %(rounds)s / 20);
INSERT INTO processed_files (server_id, filename, file_hash, size_bytes, content, source_hash, source_size,
    success)
SELECT 1, 'file ' || i, lpad(to_hex(i), 64, '0'), 0, '', lpad(to_hex(i), 64, '0'), 0, true
FROM generate_series(1, %(rounds)s) i;
INSERT INTO rounds (server_id, file_id, match_id, round_number, round_date, round_time, ended_at, map_name, config,
    defender_team, winner_team, time_limit_seconds, actual_time_seconds, duration_seconds, round_outcome,
    is_cumulative, gaming_session_id)
SELECT 1, i, 'match ' || (i - 1) / 2, 1 + (i - 1) %% 2, '2014-01-01', '20:00',
       '2014-01-01 20:00+00'::timestamptz + i * interval '20 minutes', 'map ' || (i - 1) / 2 %% 20, '', 1, w, 720,
       300 + i %% 400, 300 + i %% 400, CASE w WHEN 2 THEN 'completed' ELSE 'fullhold' END, false, (i - 1) / 20 + 1
FROM (SELECT i, 1 + (hashint4(i) & 1) AS w FROM generate_series(1, %(rounds)s) i) r;
ALTER TABLE player_comprehensive_stats DISABLE TRIGGER USER;
INSERT INTO player_comprehensive_stats (round_id, player_guid, player_name, clean_name, team, was_reset, kills,
    deaths, headshots, hits, shots, bullets_fired, damage_given, damage_received, time_played_seconds)
SELECT r.id, lpad(upper(to_hex(who)), 8, '0'), 'player ' || who, 'player ' || who,
       CASE WHEN (k < {PLAYERS} / 2) = (r.round_number = 1) THEN 1 ELSE 2 END, false,
       h & 31, (h >> 5) & 31, 0, 0, 0, 0, (h >> 10) & 4095, (h >> 15) & 4095, 600
FROM rounds r CROSS JOIN generate_series(0, {PLAYERS} - 1) k
CROSS JOIN LATERAL (SELECT ((hashint4((r.id - 1)::integer / 2) & 1023) + k) % {PEOPLE} AS who,
                           hashint4((r.id * {PLAYERS} + k)::integer) AS h) x;
ALTER TABLE player_comprehensive_stats ENABLE TRIGGER USER;
INSERT INTO player_aliases
SELECT player_guid, min(clean_name), count(*), min(r.ended_at), max(r.ended_at)
FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id GROUP BY player_guid;
ANALYZE"""
_CHANGE = "UPDATE rounds SET stored_at = now() WHERE ended_at = (SELECT max(ended_at) FROM rounds)"


def run(runs: int = 5) -> str:
    """Measure and return a table in Markdown; with one run the database is smaller."""
    matches = MATCHES if runs > 1 else SMALL_MATCHES
    gc.set_threshold(5_000)  # as the command line does
    with workspace() as here:
        here.etstats("db", "start")
        with connect(embedded.ensure_running(here.folder / "data")) as conn:
            migrate(conn)
            _fill(conn, matches)
            everything = median(_again(conn) for _ in range(runs))
            one_more = median(_one_more(conn) for _ in range(ADDED))
        commands = {
            f"`etstats teams` with {PLAYERS} names": ["teams", *(f"player {who}" for who in range(PLAYERS))],
            "`etstats rating`": ["rating"],
            "`etstats player NAME`": ["player", "player 7"],
            "`etstats duos`": ["duos"],
        }
        whole = {name: _whole(here, command, runs) for name, command in commands.items()}
    targets = {f"`etstats teams` with {PLAYERS} names": "< 0.7 s"}
    return (
        f"{matches:,} matches of two rounds with {PLAYERS} of {PEOPLE} players, written into the database without "
        f"files; medians of {runs}, of one more match the median of {ADDED}. An import makes no ratings: they are "
        "made when a command or a post needs them. How well they predict is in [rating.md](rating.md).\n\n"
        + table(
            ["what", "measured", "target"],
            [
                [f"rate {matches:,} matches", f"{everything:.1f} s", "< 20 s" if matches == MATCHES else ""],
                ["rate one more match", f"{1000 * one_more:.0f} ms", "< 50 ms"],
                *([name, f"{seconds:.2f} s", targets.get(name, "")] for name, seconds in whole.items()),
            ],
        )
    )


def _fill(conn: Connection, matches: int) -> None:
    for statement in _FILL.split(";\n"):
        conn.execute(statement, {"rounds": 2 * matches} if "%(rounds)s" in statement else None)  # type: ignore[arg-type]
    conn.commit()


def _again(conn: Connection) -> float:
    began = time.perf_counter()
    with conn.transaction():
        ratings.rate_again(conn)
    return time.perf_counter() - began


def _one_more(conn: Connection) -> float:
    with conn.transaction():
        conn.execute(_CHANGE)
    began = time.perf_counter()
    if ratings.update(conn) != 1:
        raise RuntimeError("the newest match was not rated again")
    return time.perf_counter() - began


def _whole(here: Workspace, command: list[str], runs: int) -> float:
    return median(here.etstats(*command).seconds for _ in range(runs))
