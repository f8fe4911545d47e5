"""Kill it at random moments of its work, hundreds of times, and look each time at what is left.

    python -m benchmarks.chaos                          all storms, 100 kills each
    python -m benchmarks.chaos import post --kills 200 --seed 7

A storm lets a command run undisturbed and measures its work in the database. Then it starts it again and again,
kills it (SIGKILL, or its PostgreSQL) at a random moment of that work, and looks: what the database holds must be
what its archive says. At the end the command may finish; nothing may be lost, nothing be there twice. What a storm
finds broken it says with the seed, and the exit code is 1. What storms of 100 kills or more came to stays in
docs/benchmarks.md.
"""

import argparse
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring import machine, table
from benchmarks.page import STORMS as TITLE
from benchmarks.page import keep, kept_rows, section
from benchmarks.scene import ROOMY, TEMPORARY, BrokenError, Scene, Toll, can_mount, mount, scene
from etstats.db.backup_file import read_manifest
from etstats.errors import ConfigError

FILES = 150
FEWER = {"base": 2, "disk": 5}
"""Storms of that many times fewer kills: each takes a whole recovery, or a full disk."""


def kill_import(scene: Scene, kills: int) -> None:
    """Import the folder again and again, killed each time, until all of it is there; then from the beginning."""
    _until_all_is_there(scene, kills, ("-q", "import", scene.here.folder / "files"))


def kill_sync(scene: Scene, kills: int) -> None:
    """The same over SFTP: and no local copy is ever half a file."""
    copies = scene.here.folder / "data" / "gamestats" / "main"
    sent = {path.name: path.read_bytes() for path in scene.files}

    def are_whole() -> None:
        for copy in copies.glob("*.txt"):
            if copy.read_bytes() != sent.get(copy.name):
                raise BrokenError(f"{copy.name}: the local copy is not what the server has")

    _until_all_is_there(scene, kills, ("-q", "sync"), look=are_whole)


def strike_base(scene: Scene, kills: int) -> None:
    """Kill PostgreSQL itself in mid-import; the import ends with 75 and the next one goes on."""
    _until_all_is_there(scene, kills, ("-q", "import", scene.here.folder / "files"), strike=scene.strike_base)


def kill_rebuild(scene: Scene, kills: int) -> None:
    """Derive everything again, killed: the old rows stand as if nothing had been."""
    words = ("-q", "rebuild", "--yes")
    scene.finish("-q", "import", scene.here.folder / "files")
    scene.measure(lambda: None, *words)
    before = _fingerprint(scene)
    while scene.toll.kills < kills:
        scene.kill(*words)
        scene.is_true()
        if _fingerprint(scene) != before:
            raise BrokenError("the rows are not what they were")
    scene.is_true_to_the_command()
    scene.holds_all()


def kill_post(scene: Scene, kills: int) -> None:
    """Post a session, killed: each message stands there once, or its fate is unknown and shown."""
    words = ("-q", "post", "--since", "all")
    scene.measure(lambda: _to_be_told(scene), *words)
    (whole,) = scene.rows("SELECT count(*)::float FROM posts")[0]
    assert isinstance(whole, float)
    while scene.toll.kills < kills:
        _to_be_told(scene)
        left = 1.0
        while left > 0 and scene.toll.kills < kills:
            scene.kill(*words, left=left, also=(3, TEMPORARY))
            scene.is_true()
            left = 1 - len(scene.rows("SELECT FROM posts WHERE state <> 'pending'")) / whole
        for _ in range(_MINUTES):
            scene.finish(*words, also=(3, TEMPORARY))  # the last kill may have come before anything was noted
            if not scene.rows("SELECT FROM posts WHERE state = 'pending'"):
                break
        _posts_are_right(scene)
        scene.is_true_to_the_command()


def _to_be_told(scene: Scene) -> None:
    scene.empty()
    scene.discord.posts.clear()
    # Five messages: a webhook takes no more at once, and kills in the waiting would prove little.
    scene.finish("-q", "import", scene.here.folder / "files", "--limit", "3")
    scene.finish("-q", "post", "--since", "2026-01-01")


def kill_backup(scene: Scene, kills: int) -> None:
    """Back up, killed: what lies there as a backup is whole, and nothing of the killed ones stays."""
    folder = scene.here.folder / "data" / "backups"
    scene.finish("-q", "import", scene.here.folder / "files")
    scene.measure(lambda: None, "-q", "backup")
    polled_at: set[Path] = set()
    while scene.toll.kills < kills:
        scene.kill("-q", "backup")
        scene.is_true()
        for path in set(folder.iterdir()) - polled_at:
            _is_whole_or_no_backup(path)
        polled_at = set(folder.glob("*.zip"))
    scene.finish("-q", "backup")
    listed = scene.finish("backup", "--list", "--csv").splitlines()[1:]
    left = [path.name for path in folder.iterdir() if not any(path.name in line for line in listed)]
    if left:
        raise BrokenError(f"left behind in {folder}: {left}")
    if scratch := scene.rows(r"SELECT datname FROM pg_database WHERE datname LIKE 'etstats\_scratch\_%'"):
        raise BrokenError(f"left behind in the database: {scratch}")
    scene.finish("-q", "restore", "latest", "--yes")
    scene.is_true_to_the_command()
    scene.holds_all()


def _is_whole_or_no_backup(path: Path) -> None:
    """Raise when a file has a backup's name and not all its bytes, or is half a backup and is read as one."""
    is_whole = False
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        is_whole = archive.testzip() is None
    if path.suffix == ".zip" and not is_whole:
        raise BrokenError(f"{path.name} has the name of a backup and is not whole")
    try:
        read_manifest(path)
    except ConfigError:
        return
    if not is_whole:
        raise BrokenError(f"{path.name} is half a backup, and is taken for one")


def fill_disk(scene: Scene, kills: int) -> None:
    """Import onto a disk that is too small: a run ends with 75 in words, and all is there once there is room."""
    data = scene.here.folder / "data"
    while scene.toll.kills < kills:
        scene.empty()
        used = sum(path.stat().st_blocks for path in data.rglob("*")) * 512 // 2**20
        mount(data, f"remount,size={used + scene.dice.randrange(1, 4)}m")
        process = scene.start("-q", "import", scene.here.folder / "files")
        _, said = process.communicate(timeout=120)
        mount(data, f"remount,size={ROOMY}")
        is_hit = process.returncode == TEMPORARY
        scene.ended(process.returncode, said, (TEMPORARY,), counts=not is_hit)
        scene.toll.kills += is_hit
        scene.is_true()
        scene.finish("-q", "import", scene.here.folder / "files")
        scene.is_true_to_the_command()
        scene.holds_all()


HEAD = ("what", "seed", "kills in mid-work", "ended before", "lost", "twice", "verified and agreed", "took")
_WORTH_KEEPING = 100
_MINUTES = 5  # what a run leaves for the next one, the next one takes

STORMS: dict[str, Callable[[Scene, int], None]] = {
    "sync": kill_sync,
    "import": kill_import,
    "rebuild": kill_rebuild,
    "post": kill_post,
    "backup": kill_backup,
    "base": strike_base,
    "disk": fill_disk,
}
WHAT = {
    "base": "`import`, PostgreSQL killed under it",
    "disk": "`import`, the disk full",
}


def storm(name: str, *, seed: int, kills: int, files: int = FILES) -> Toll:
    """Run one storm; `fault` says what was lost, is there twice, or is not what the archive says."""
    with scene(seed, files, small_disk=name == "disk") as made:
        try:
            STORMS[name](made, kills)
        except (BrokenError, subprocess.TimeoutExpired) as fault:
            made.toll.fault = f"{type(fault).__name__}: {fault}"
        return made.toll


def _until_all_is_there(
    scene: Scene,
    kills: int,
    words: tuple[str | Path, ...],
    *,
    look: Callable[[], None] = lambda: None,
    strike: Callable[..., bool] | None = None,
) -> None:
    scene.measure(scene.empty, *words)
    while scene.toll.kills < kills:
        scene.empty()
        left = 1.0
        while left > 0 and scene.toll.kills < kills:
            (strike or scene.kill)(*words, left=left)
            look()
            scene.is_true()
            left = _missing(scene)
        scene.finish(*words)
        look()
        scene.is_true_to_the_command()
        scene.holds_all()


def _missing(scene: Scene) -> float:
    return 1 - len(scene.rows("SELECT FROM processed_files")) / len(scene.files)


def _fingerprint(scene: Scene) -> list[tuple[object, ...]]:
    """What the derived rows are, in short; ids included, because a rebuild keeps them."""
    tables = (
        "rounds",
        "player_comprehensive_stats",
        "weapon_comprehensive_stats",
        "session_teams",
        "player_aliases",
    )
    left_out = "- 'stored_at'"
    sums = (
        f"SELECT '{t}', count(*), sum(hashtextextended((to_jsonb(t) {left_out})::text, 0)) FROM {t} t"
        for t in tables
    )
    return scene.rows(" UNION ALL ".join(sums))


def _posts_are_right(scene: Scene) -> None:
    """Each thing to be told has one row, what counts as sent stands there, and nothing stands there twice."""
    posts = scene.rows("SELECT kind, subject, state, message_id FROM posts")
    standing = [post.message_id for post in scene.discord.posts]
    sent = {message_id for _, _, state, message_id in posts if state == "sent"}
    unknown = [post for post in posts if post[2] == "unknown"]
    scene.toll.lost += len(sent - set(standing))
    scene.toll.twice += len(scene.discord.duplicates)
    faults = [
        *scene.discord.violations,
        *scene.discord.duplicates,
        *(f"{post} is neither sent nor unknown" for post in posts if post[2] not in ("sent", "unknown")),
        *(f"message {message_id} counts as sent and does not stand there" for message_id in sent - set(standing)),
    ]
    if not len(sent) <= len(standing) <= len(sent) + len(unknown):
        faults.append(
            f"{len(standing)} messages stand there, {len(sent)} sent and {len(unknown)} unknown are known of"
        )
    wished = scene.rows(
        "SELECT count(*) + count(DISTINCT match_id) FILTER (WHERE round_number = 2)"
        " + count(DISTINCT gaming_session_id) FROM rounds"
    )
    if wished != [(len(posts),)]:
        faults.append(f"{len(posts)} things were told of {wished}")
    if faults:
        raise BrokenError("; ".join(faults))


def main(arguments: list[str]) -> int:
    """Run the storms asked for; 1 when one of them found a fault."""
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("storms", nargs="*", choices=[*STORMS, []], help="which storms; all when none is named")
    parser.add_argument("--kills", type=int, default=100, help="kills of each storm")
    parser.add_argument(
        "--seed", type=int, default=int(datetime.now(UTC).timestamp()), help="to have a storm again"
    )
    given = parser.parse_args(arguments)
    before, faults = machine(), 0
    rows: dict[str, list[str]] = {}
    for name in given.storms or STORMS:
        if name == "disk" and not can_mount():
            print(f"{name}: left out, it takes root to make a small disk", flush=True)
            continue
        began = time.monotonic()
        toll = storm(name, seed=given.seed, kills=-(-given.kills // FEWER.get(name, 1)))
        if toll.fault:
            faults += 1
            print(f"{name}: FAULT with --seed {given.seed}: {toll.fault}", flush=True)
        seconds = f"{time.monotonic() - began:.0f} s"
        counts = (given.seed, toll.kills, toll.survived, toll.lost, toll.twice, toll.agreed)
        rows[_row(name)] = [*map(str, counts), seconds]
        print(f"{name}: {toll.kills} kills in {seconds}", flush=True)
    is_kept = given.kills >= _WORTH_KEEPING and not faults
    told = (kept_rows(TITLE) if is_kept else {}) | rows
    lines = [[row, *told[row]] for row in map(_row, STORMS) if row in told]
    body = section(table(HEAD, lines), before)
    print(f"\n## {TITLE}\n\n{body}")
    if is_kept:
        keep(TITLE, body)
    return int(faults > 0)


def _row(name: str) -> str:
    return WHAT.get(name, f"`{name}`")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
