"""Each command with the moments at which it can be killed, and the checks after a second run."""

import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from etstats.importer.importer import GROUP
from etstats.parser.filename import parse_filename
from tests.support.kill_scenarios import fingerprint, posts_are_right, prepare_posts
from tests.support.processes import run
from tests.support.scene import TEMPORARY, ScenarioError, Scene, scene

FILES = 24
KILL_AT = Path(__file__).with_name("kill_at.py")
_KILLED = -9


class Case(NamedTuple):
    """A command: its preparation, its arguments, and the check after a kill and a second run."""

    prepare: Callable[[Scene], None]
    words: tuple[str, ...]
    check: Callable[[Scene], None]
    codes: tuple[int, ...] = ()
    """Exit codes of the second run that are accepted in addition to 0."""
    check_killed: Callable[[Scene], None] = lambda scene: None
    """What has to hold after the kill, before the second run."""


def _folder(scene: Scene) -> str:
    return str(scene.here.folder / "files")


def _import_all(scene: Scene) -> None:
    scene.empty()
    scene.finish("-q", "import", _folder(scene))


def _holds_all(scene: Scene) -> None:
    scene.check_against_archive()
    scene.check_all_stored()


def _groups_are_whole(scene: Scene) -> None:
    """Check that the files of each transaction are stored with their rounds, or not at all."""
    ((files, rounds),) = scene.rows("SELECT (SELECT count(*) FROM processed_files), (SELECT count(*) FROM rounds)")
    if files != rounds or files not in (*range(0, len(scene.files), GROUP), len(scene.files)):
        raise ScenarioError(f"{files} files and {rounds} rounds are stored, {GROUP} files in a transaction")
    scene.check_against_archive()


def _copies_are_whole(scene: Scene) -> None:
    """Check that all files are stored; `diagnose` writes the copies that a killed run did not."""
    _holds_all(scene)
    scene.finish("-q", "diagnose", "--restore", also=(3,))
    sent = {path.name: path.read_bytes() for path in scene.files}
    copies = scene.here.folder / "data" / "gamestats" / "main"
    found = {path.name: path.read_bytes() for path in copies.iterdir() if path.suffix == ".txt"}
    if found != sent:
        raise ScenarioError(f"{len(found)} local copies of {len(sent)} files, or not their bytes")


def _empty_with_no_copies(scene: Scene) -> None:
    scene.empty()
    for copy in (scene.here.folder / "data" / "gamestats").rglob("*.txt"):
        copy.unlink()


def _person(scene: Scene) -> str:
    found = scene.rows(
        "SELECT player_guid FROM player_comprehensive_stats GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    return str(found[0][0]) if found else scene.here.folder.joinpath("person").read_text()


def _to_be_forgotten(scene: Scene) -> None:
    with scene.database() as conn:
        conn.execute("DELETE FROM forgotten_players")
    _empty_with_no_copies(scene)
    scene.finish("-q", "sync")
    scene.here.folder.joinpath("person").write_text(_person(scene))


def _is_forgotten(scene: Scene) -> None:
    """Check that no copy contains the GUID after a later sync."""
    scene.finish("-q", "sync")
    guid = scene.here.folder.joinpath("person").read_text()
    rows = scene.rows(f"SELECT count(*) FROM processed_files WHERE position('{guid}'::bytea IN content) > 0")
    copies = (scene.here.folder / "data" / "gamestats").rglob("*")
    left = [path.name for path in copies if path.is_file() and guid.encode() in path.read_bytes()]
    if rows != [(0,)] or left:
        raise ScenarioError(f"{guid} is still in {rows} archived files and in {left}")
    scene.check_against_archive()


def _to_be_restored(scene: Scene) -> None:
    _import_all(scene)
    for old in (scene.here.folder / "data" / "backups").glob("*"):
        old.unlink()
    scene.finish("-q", "backup")
    scene.here.folder.joinpath("expected").write_text(repr(fingerprint(scene)))
    scene.empty()
    scene.finish("-q", "import", _folder(scene), "--limit", "3")


def _is_as_expected(scene: Scene) -> None:
    if repr(fingerprint(scene)) != scene.here.folder.joinpath("expected").read_text():
        raise ScenarioError("the rows have changed")
    scene.check_against_archive()


def _to_be_rebuilt(scene: Scene) -> None:
    _import_all(scene)
    scene.here.folder.joinpath("expected").write_text(repr(fingerprint(scene)))


def _backups_are_whole(scene: Scene) -> None:
    backups = scene.here.folder / "data" / "backups"
    listed = scene.finish("backup", "--list", "--csv")
    if strays := [path.name for path in backups.iterdir() if path.name not in listed]:
        raise ScenarioError(f"left behind: {strays}")
    scene.finish("-q", "restore", "latest", "--yes")
    _holds_all(scene)


def _no_server(scene: Scene) -> None:
    scene.here.delete_database()


def _starts(scene: Scene) -> None:
    scene.finish("-q", "import", _folder(scene))
    _holds_all(scene)


def _no_site(scene: Scene) -> None:
    _import_all(scene)
    for name in ("site", "expected-site"):
        subprocess.run(["rm", "-rf", str(scene.here.folder / name)], check=True)


def _site_is_complete(scene: Scene) -> None:
    expected = scene.here.folder / "expected-site"
    scene.finish("-q", "site", "build", str(expected))
    trees = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (scene.here.folder / "site", expected)
    ]
    if trees[0] != trees[1]:
        differing = sorted(
            str(path) for path in trees[0].keys() | trees[1].keys() if trees[0].get(path) != trees[1].get(path)
        )
        raise ScenarioError(f"{len(differing)} files of the site differ, the first: {differing[0]}")


def _to_be_voided(scene: Scene) -> None:
    _import_all(scene)
    for (number,) in scene.rows("SELECT id FROM corrections WHERE undone_at IS NULL"):
        scene.finish("-q", "correct", "undo", str(number))


def _map(scene: Scene) -> str:
    name = parse_filename(scene.files[0].name)
    return name.map_name if name else ""


def _is_voided_once(scene: Scene) -> None:
    held = scene.rows("SELECT count(*) FROM corrections WHERE kind = 'exclude_map' AND undone_at IS NULL")
    counted = scene.rows(f"SELECT count(*) FROM rounds WHERE map_name = '{_map(scene)}' AND is_counted")
    if held != [(1,)] or counted != [(0,)]:
        raise ScenarioError(f"{held} corrections, {counted} rounds on the excluded map still count")
    scene.check_against_archive()


def _no_settings(scene: Scene) -> None:
    scene.empty()
    settings = scene.here.folder / "config.toml"
    settings.rename(settings.with_suffix(".aside"))


def _is_set_up(scene: Scene) -> None:
    """Check that the settings name the folder, no temporary file is left, and all files are imported."""
    settings = scene.here.folder / "config.toml"
    if str(scene.here.folder / "files") not in settings.read_text(encoding="utf-8"):
        raise ScenarioError("the settings do not name the folder")
    beside = {path.name for path in scene.here.folder.iterdir() if path.name.startswith("config")}
    if beside != {"config.toml", "config.aside"}:
        raise ScenarioError(f"left behind: {sorted(beside)}")
    settings.with_suffix(".aside").rename(settings)
    _holds_all(scene)


CASES = {
    "import": Case(
        lambda scene: scene.empty(), ("-q", "import", "FILES"), _holds_all, check_killed=_groups_are_whole
    ),
    "sync": Case(_empty_with_no_copies, ("-q", "sync"), _copies_are_whole),
    "post": Case(prepare_posts, ("-q", "post", "--since", "all"), posts_are_right, (3, TEMPORARY)),
    "rebuild": Case(_to_be_rebuilt, ("-q", "rebuild", "--yes"), _is_as_expected),
    "forget": Case(_to_be_forgotten, ("-q", "forget", "PERSON", "--yes"), _is_forgotten, (2,)),
    "correct": Case(_to_be_voided, ("-q", "correct", "exclude-map", "MAP"), _is_voided_once, (2,)),
    "backup": Case(_import_all, ("-q", "backup"), _backups_are_whole),
    "restore": Case(_to_be_restored, ("-q", "restore", "latest", "--yes"), _is_as_expected),
    "site build": Case(_no_site, ("-q", "site", "build", "SITE"), _site_is_complete),
    "init": Case(
        _no_settings,
        (
            "-q",
            "init",
            "--yes",
            "--path",
            "FILES",
            "--timezone",
            "UTC",
            "--embedded",
            "--no-webhook",
            "--no-cron",
            "--import",
        ),
        _is_set_up,
    ),
    "first start": Case(_no_server, ("-q", "db", "migrate"), _starts),
}
"""Commands by name. FILES, SITE, MAP and PERSON in the words are replaced by the scene's."""


class Result(NamedTuple):
    """The number of moments of a command, of its kills, the kinds not tested, and the first fault."""

    moments: int
    kills: int
    left_out: list[str]
    fault: str


def run_case(name: str, *, seed: int, moments: int, files: int = FILES) -> Result:
    """Kill one command at this many of its moments, one of each kind first, and check the result each time."""
    case = CASES[name]
    kills = fatal = 0
    kinds: list[str] = []
    chosen: list[int] = []
    with scene(seed, files) as made:
        kinds_file = made.here.folder / "moments"
        try:
            case.prepare(made)
            _run(made, case, 0, kinds_file)
            case.check(made)
            kinds = kinds_file.read_text().splitlines()
            chosen = _one_of_each_kind_first(kinds, made.dice)[:moments]
            for fatal in chosen:
                case.prepare(made)
                kills += _run(made, case, fatal, kinds_file)
                made.wait_for_cleanup()
                case.check_killed(made)
                made.finish(*_words(made, case), also=case.codes)
                case.check(made)
        except (ScenarioError, subprocess.TimeoutExpired, RuntimeError) as fault:
            kind = kinds[fatal - 1] if fatal else "not killed"
            return Result(len(kinds), kills, [], f"moment {fatal} ({kind}): {type(fault).__name__}: {fault}")
    left_out = sorted(set(kinds) - {kinds[number - 1] for number in chosen})
    return Result(len(kinds), kills, left_out, "")


def _one_of_each_kind_first(kinds: list[str], dice: random.Random) -> list[int]:
    """Return the numbers of all moments, from 1, in random order that starts with one of each kind."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, kind in enumerate(kinds, 1):
        numbers[kind].append(number)
    shuffled = [dice.sample(group, len(group)) for group in numbers.values()]
    return [number for turn in zip_longest(*shuffled) for number in turn if number is not None]


def _words(scene: Scene, case: Case) -> list[str]:
    folder = scene.here.folder
    places = {"FILES": _folder(scene), "SITE": str(folder / "site"), "MAP": _map(scene)}
    if "PERSON" in case.words:
        places["PERSON"] = scene.here.folder.joinpath("person").read_text()
    return [places.get(word, word) for word in case.words]


def _run(scene: Scene, case: Case, fatal: int, kinds_file: Path) -> bool:
    """Run the command up to a moment; return whether it was killed before its end."""
    command = [sys.executable, str(KILL_AT), str(fatal), str(kinds_file), *_words(scene, case)]
    done = run(command, env=scene.here.environment)
    if done.returncode not in (0, _KILLED, *case.codes) or "Traceback" in done.stderr:
        raise ScenarioError(f"ended with {done.returncode}: {done.stderr[-1500:]}")
    return done.returncode == _KILLED
