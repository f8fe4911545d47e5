"""Kill a command after each transaction that wrote something, and compare the database with an undisturbed run's.

After the kill the command runs once more, and then `sync --post`, with nothing new to do. Every table must then
hold what it holds when nothing was killed: a state that only later work makes good is found here. Ids, and times
of our own clock, differ between any two runs and are left out.
"""

import copy
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from etstats.db import embedded
from tests.support.processes import run, until
from tests.support.scene import ScenarioError, Scene, scene

KILL_AT = Path(__file__).with_name("kill_at.py")
_KILLED = -9
_FOLDERS = ("data/gamestats", "data/backups", "state")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT.*")
_LEFT_OUT = re.compile(r"id|.*_ids?|split_sessions|subject|key|guid_hash|file_hash")
"""Columns that hold ids, or what is random."""
_NOW = datetime.now(UTC) - timedelta(days=1)  # the rounds were played earlier
_OF_MESSAGES = ("kind", "state", "style", "is_combined")
"""What is compared of a message: whether one arrived that a killed run was sending, Discord alone knows."""


class Command(NamedTuple):
    """Commands that lead to a state, and the one that is killed there; FILES and PERSON are replaced."""

    before: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]
    codes: tuple[int, ...] = ()
    """Exit codes of the second run that are accepted in addition to 0."""


_IMPORT = ("import", "FILES")
_POST = ("post", "--since", "all")
COMMANDS = {
    "import": Command((), _IMPORT),
    "sync": Command((), ("sync",)),
    "sync --post": Command((("import", "FILES", "--limit", "2"), _POST), ("sync", "--post"), (3,)),
    "post": Command((_IMPORT,), _POST, (3,)),
    "post of a correction": Command((_IMPORT, _POST, ("hide", "PERSON")), ("post",), (3,)),
    "rebuild": Command((_IMPORT, _POST), ("rebuild", "--yes")),
    "hide": Command((_IMPORT, _POST), ("hide", "PERSON")),
    "forget": Command((("sync",), _POST), ("forget", "PERSON", "--yes"), (2,)),
    "correct": Command((_IMPORT, _POST), ("correct", "rename", "PERSON", "Other"), (2,)),
    "correct undo": Command(
        (_IMPORT, _POST, ("correct", "rename", "PERSON", "Other")), ("correct", "undo", "1"), (2,)
    ),
    "restore": Command((_IMPORT, _POST, ("backup",), ("hide", "PERSON")), ("restore", "latest", "--yes")),
    "rating": Command((_IMPORT,), ("rating",)),
    "health": Command((_IMPORT, _POST), ("health",), (3,)),
    "recap": Command((_IMPORT, _POST), ("recap", "month", "--post"), (3,)),
}


class Outcome(NamedTuple):
    """After how many transactions a command was killed, and the first difference."""

    kills: int
    fault: str


def run_command(name: str, *, seed: int, files: int = 6, every: int = 1) -> Outcome:
    """Kill one command after each of its transactions that wrote something, or after `every` second, third ..."""
    kills, command = 0, COMMANDS[name]
    with scene(seed, files, has_notices=name in ("health", "recap")) as made:
        try:
            return_to = _prepared(made, command)
            _run(made, command, 0)
            expected = _after_all(made, command)
            while True:
                return_to()
                if not _run(made, command, 1 + kills * every):
                    return Outcome(kills, "")
                kills += 1
                if differences := _differences(expected, _after_all(made, command)):
                    raise ScenarioError("; ".join(differences))
        except (ScenarioError, subprocess.TimeoutExpired, RuntimeError) as fault:
            return Outcome(kills, f"after transaction {1 + (kills - 1) * every}: {fault}")


def _prepared(scene: Scene, command: Command) -> Callable[[], None]:
    """Bring the scene into the state before a command; return the function that brings this state back."""
    for words in command.before:
        if "PERSON" in (*words, *command.words):
            _choose_person(scene)
        scene.finish("-q", *_words(scene, words))
    scene.wait_for_cleanup()
    with _maintenance(scene) as (conn, name):
        conn.execute(sql.SQL("CREATE DATABASE saved TEMPLATE {}").format(name))
    root = scene.here.folder
    for folder in _FOLDERS:
        if (root / folder).exists():
            shutil.copytree(root / folder, root / "saved" / folder)
    posts = copy.deepcopy(scene.discord.posts)

    def bring_back() -> None:
        scene.wait_for_cleanup()
        with _maintenance(scene) as (conn, name):
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
            conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE saved").format(name))
        for folder in _FOLDERS:
            shutil.rmtree(root / folder, ignore_errors=True)
            if (root / "saved" / folder).exists():
                shutil.copytree(root / "saved" / folder, root / folder)
        scene.discord.posts[:] = copy.deepcopy(posts)

    return bring_back


@contextmanager
def _maintenance(scene: Scene) -> Iterator[tuple[psycopg.Connection, sql.Identifier]]:
    """Yield a connection to the server, once the database has no connections, and the name of the database."""
    url = embedded.ensure_running(scene.here.folder / "data")
    name = str(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(make_conninfo(url, dbname="template1"), autocommit=True) as conn:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        until(lambda: conn.execute(others, [name]).fetchone() == (0,))
        yield conn, sql.Identifier(name)


def _choose_person(scene: Scene) -> None:
    """Note the GUID of the player with most rounds, once there are rounds."""
    most = "SELECT player_guid FROM player_comprehensive_stats GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    note = scene.here.folder / "person"
    if not note.exists() and (found := scene.rows(most)):
        note.write_text(str(found[0][0]))


def _words(scene: Scene, words: tuple[str, ...]) -> list[str]:
    note = scene.here.folder / "person"
    places = {"FILES": str(scene.here.folder / "files"), "PERSON": note.read_text() if note.exists() else ""}
    return [places.get(word, word) for word in words]


def _run(scene: Scene, command: Command, fatal: int) -> bool:
    """Run the command up to the end of a transaction; True when it was killed, False when it ended before."""
    scene.wait_for_cleanup()
    kinds = scene.here.folder / "moments"
    words = [sys.executable, str(KILL_AT), f"written:{fatal}", str(kinds), "-q", *_words(scene, command.words)]
    done = run(words, env=scene.here.environment)
    if done.returncode not in (0, _KILLED, *command.codes) or "Traceback" in done.stderr:
        raise ScenarioError(f"ended with {done.returncode}: {done.stderr[-1500:]}")
    return done.returncode == _KILLED


def _after_all(scene: Scene, command: Command) -> dict[str, Counter[str]]:
    """Run the command and a poll, with nothing new to do; return the contents of the database."""
    scene.finish("-q", *_words(scene, command.words), also=command.codes)
    scene.finish("-q", "sync", "--post", also=(3,))
    return _contents(scene)


def _contents(scene: Scene) -> dict[str, Counter[str]]:
    """Return all rows by table, without the values that differ between any two runs."""
    with scene.database() as conn:
        tables = conn.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
        ).fetchall()
        forgotten = [
            text for row in conn.execute("SELECT pseudonym_guid, pseudonym FROM forgotten_players") for text in row
        ]
        contents = {}
        for (table,) in tables:
            rows = conn.execute(sql.SQL("SELECT to_jsonb(t) FROM {} t").format(sql.Identifier(table)))
            if table != "channel_states":  # how long Discord asked to wait
                contents[str(table)] = Counter(_comparable(str(table), row, forgotten) for (row,) in rows)
    return contents


def _comparable(table: str, row: dict[str, object], forgotten: list[str]) -> str:
    if table in ("posts", "notices"):
        row = {
            name: "sent" if value == "unknown" else value for name, value in row.items() if name in _OF_MESSAGES
        }
    kept = {name: _value(value) for name, value in row.items() if not _LEFT_OUT.fullmatch(name)}
    text = json.dumps(kept, sort_keys=True)
    for word in forgotten:
        text = text.replace(word, "FORGOTTEN").replace(word.encode().hex(), "FORGOTTEN")
    return text


def _value(value: object) -> object:
    if isinstance(value, str) and _TIME.fullmatch(value) and value > _NOW.isoformat():
        return "now"
    return "now" if isinstance(value, float) and value > _NOW.timestamp() else value


def _differences(expected: dict[str, Counter[str]], found: dict[str, Counter[str]]) -> list[str]:
    """Say for each table which rows are missing and which are left over."""
    return [
        f"{table}: missing {list(missing)}, left over {list(left_over)}"
        for table in expected
        for missing, left_over in [(expected[table] - found[table], found[table] - expected[table])]
        if missing or left_over
    ]
