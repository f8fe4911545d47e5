"""Scenarios that kill a command at random moments and check the database each time."""

import subprocess
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from etstats.db.backup_file import read_manifest
from etstats.errors import ConfigError
from tests.support.scene import ROOMY, TEMPORARY, ScenarioError, Scene, Tally, mount, scene

FILES = 150


FEWER = {"database": 2, "disk": 5}
"""Scenarios with this many times fewer kills, because each needs a recovery or a full disk."""


def kill_import(scene: Scene, kills: int) -> None:
    """Import the folder with repeated kills until it is complete; then start over."""
    _run_until_complete(scene, kills, ("-q", "import", scene.here.folder / "files"))


def kill_sync(scene: Scene, kills: int) -> None:
    """Do the same over SFTP; no local copy is ever partial."""
    copies = scene.here.folder / "data" / "gamestats" / "main"
    sent = {path.name: path.read_bytes() for path in scene.files}

    def are_whole() -> None:
        for copy in copies.glob("*.txt"):
            if copy.read_bytes() != sent.get(copy.name):
                raise ScenarioError(f"{copy.name}: the local copy differs from the file on the server")

    _run_until_complete(scene, kills, ("-q", "sync"), check=are_whole)


def kill_database(scene: Scene, kills: int) -> None:
    """Kill PostgreSQL during an import; the import exits with 75 and the next one continues."""
    _run_until_complete(scene, kills, ("-q", "import", scene.here.folder / "files"), kill=scene.kill_database)


def kill_rebuild(scene: Scene, kills: int) -> None:
    """Kill rebuilds; the previous rows are unchanged."""
    words = ("-q", "rebuild", "--yes")
    scene.finish("-q", "import", scene.here.folder / "files")
    scene.measure(lambda: None, *words)
    before = fingerprint(scene)
    while scene.tally.kills < kills:
        scene.kill(*words)
        scene.check_against_archive()
        if fingerprint(scene) != before:
            raise ScenarioError("the rows have changed")
    scene.check_with_rebuild_verify()
    scene.check_all_stored()


def kill_post(scene: Scene, kills: int) -> None:
    """Post a session with kills: each message is sent once, or shown with unknown delivery."""
    words = ("-q", "post", "--since", "all")
    scene.measure(lambda: prepare_posts(scene), *words)
    (whole,) = scene.rows("SELECT count(*)::float FROM posts")[0]
    assert isinstance(whole, float)
    while scene.tally.kills < kills:
        prepare_posts(scene)
        left = 1.0
        while left > 0 and scene.tally.kills < kills:
            scene.kill(*words, left=left, also=(3, TEMPORARY))
            scene.check_against_archive()
            left = 1 - len(scene.rows("SELECT FROM posts WHERE state <> 'pending'")) / whole
        for _ in range(_MINUTES):
            scene.finish(*words, also=(3, TEMPORARY))  # the last kill may have come before anything was noted
            if not scene.rows("SELECT FROM posts WHERE state = 'pending'"):
                break
        posts_are_right(scene)
        scene.check_with_rebuild_verify()


def prepare_posts(scene: Scene) -> None:
    scene.empty()
    scene.discord.posts.clear()
    # Five messages: a webhook takes no more at once, and kills in the waiting would prove little.
    scene.finish("-q", "import", scene.here.folder / "files", "--limit", "3")
    scene.finish("-q", "post", "--since", "2026-01-01")


def kill_notices(scene: Scene, kills: int) -> None:
    """Post status, recap and findings with kills: each message is sent once, and edited to the current state."""
    scene.finish("-q", "import", scene.here.folder / "files")
    most = scene.tally.kills
    for words, kinds in _NOTICES.items():
        most += -(-kills // len(_NOTICES))
        scene.measure(lambda: _forget_notices(scene), "-q", *words, also=(_FOUND,))
        while scene.tally.kills < most:
            _forget_notices(scene)
            for names in (["Alpha", "Beta", "Gamma"], ["Delta", "Beta", "Gamma", "Epsilon"]):
                scene.game.names = names
                _let_a_minute_pass(scene)
                scene.kill("-q", *words, also=(_FOUND, TEMPORARY))
                _let_a_minute_pass(scene)
                scene.finish("-q", *words, also=(_FOUND, TEMPORARY))
                _notices_are_right(scene, kinds)
                scene.check_against_archive()


def _forget_notices(scene: Scene) -> None:
    """Delete all messages and pauses."""
    scene.wait_for_cleanup()
    scene.discord.posts.clear()
    with scene.database() as conn:
        conn.execute("TRUNCATE notices, channel_states")


def _let_a_minute_pass(scene: Scene) -> None:
    """Make the messages a minute older, because a status is edited once a minute."""
    scene.wait_for_cleanup()
    with scene.database() as conn:
        earlier = ", ".join(f"{column} = {column} - interval '1 minute'" for column in ("sent_at", "edited_at"))
        conn.execute(f"UPDATE notices SET {earlier}".encode())


def _notices_are_right(scene: Scene, kinds: Sequence[str]) -> None:
    """Check that each message exists once or is unknown, and that the status names the current players."""
    rows = scene.rows("SELECT kind, state, message_id FROM notices ORDER BY kind")
    posts = {post.message_id: post for post in scene.discord.posts}
    sent = {message_id for _, state, message_id in rows if state == "sent"}
    unknown = sum(state == "unknown" for _, state, _ in rows)
    scene.tally.lost += len(sent - posts.keys())
    scene.tally.twice += len(scene.discord.duplicates)
    faults = [*scene.discord.violations, *scene.discord.duplicates]
    if [kind for kind, _, _ in rows] != sorted(kinds) or len(sent) + unknown != len(rows):
        faults.append(f"stored are {rows} instead of {kinds}")
    if not sent <= posts.keys() or len(posts) > len(sent) + unknown:
        faults.append(f"{len(posts)} messages are in the channel; {len(sent)} are sent and {unknown} unknown")
    for kind, state, message_id in rows:
        if kind == "status" and state == "sent":
            shown = posts[str(message_id)].payload["embeds"][0]["description"]
            if missing := [name for name in scene.game.names if name not in shown]:
                faults.append(f"the status does not name {missing}")
    if faults:
        raise ScenarioError("; ".join(faults))


_FOUND = 3  # the exit code of `health` with a finding: there is no backup
_NOTICES = {
    ("sync", "--post"): ("game_on", "status"),
    ("recap", "month", "--post"): ("recap_month",),
    ("health",): ("admin",),
}
"""Commands that post messages about no round, and the kinds of these messages."""


def kill_backup(scene: Scene, kills: int) -> None:
    """Kill backups: every file named like a backup is complete, and no temporary file remains."""
    folder = scene.here.folder / "data" / "backups"
    scene.finish("-q", "import", scene.here.folder / "files")
    scene.measure(lambda: None, "-q", "backup")
    polled_at: set[Path] = set()
    while scene.tally.kills < kills:
        scene.kill("-q", "backup")
        scene.check_against_archive()
        for path in set(folder.iterdir()) - polled_at:
            _is_whole_or_no_backup(path)
        polled_at = set(folder.glob("*.zip"))
    scene.finish("-q", "backup")
    listed = scene.finish("backup", "--list", "--csv").splitlines()[1:]
    left = [path.name for path in folder.iterdir() if not any(path.name in line for line in listed)]
    if left:
        raise ScenarioError(f"left behind in {folder}: {left}")
    if scratch := scene.rows(r"SELECT datname FROM pg_database WHERE datname LIKE 'etstats\_scratch\_%'"):
        raise ScenarioError(f"left behind in the database: {scratch}")
    scene.finish("-q", "restore", "latest", "--yes")
    scene.check_with_rebuild_verify()
    scene.check_all_stored()


def _is_whole_or_no_backup(path: Path) -> None:
    """Raise if a file is named like a backup and is incomplete, or if a partial backup can be read."""
    is_whole = False
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        is_whole = archive.testzip() is None
    if path.suffix == ".zip" and not is_whole:
        raise ScenarioError(f"{path.name} is named like a backup and is incomplete")
    try:
        read_manifest(path)
    except ConfigError:
        return
    if not is_whole:
        raise ScenarioError(f"{path.name} is an incomplete backup and is accepted")


def fill_disk(scene: Scene, kills: int) -> None:
    """Import onto a disk that is too small: the run exits with 75, and one with more space imports all."""
    data = scene.here.folder / "data"
    while scene.tally.kills < kills:
        scene.empty()
        used = sum(path.stat().st_blocks for path in data.rglob("*")) * 512 // 2**20
        mount(data, f"remount,size={used + scene.dice.randrange(1, 4)}m")
        with scene.start("-q", "import", scene.here.folder / "files") as process:
            ended = process.finish()
        mount(data, f"remount,size={ROOMY}")
        is_hit = ended.returncode == TEMPORARY
        scene.ended(ended, (TEMPORARY,), counts=not is_hit)
        scene.tally.kills += is_hit
        scene.check_against_archive()
        scene.finish("-q", "import", scene.here.folder / "files")
        scene.check_with_rebuild_verify()
        scene.check_all_stored()


_MINUTES = 5  # what a run leaves for the next one, the next one takes


SCENARIOS: dict[str, Callable[[Scene, int], None]] = {
    "sync": kill_sync,
    "import": kill_import,
    "rebuild": kill_rebuild,
    "post": kill_post,
    "notices": kill_notices,
    "backup": kill_backup,
    "database": kill_database,
    "disk": fill_disk,
}


def run_scenario(name: str, *, seed: int, kills: int, files: int = FILES) -> Tally:
    """Run one scenario; raise on lost, duplicate or wrong rows."""
    with scene(seed, files, small_disk=name == "disk", has_notices=name == "notices") as made:
        try:
            SCENARIOS[name](made, kills)
        except (ScenarioError, subprocess.TimeoutExpired) as fault:
            made.tally.fault = f"{type(fault).__name__}: {fault}"
        return made.tally


def _run_until_complete(
    scene: Scene,
    kills: int,
    words: tuple[str | Path, ...],
    *,
    check: Callable[[], None] = lambda: None,
    kill: Callable[..., bool] | None = None,
) -> None:
    scene.measure(scene.empty, *words)
    while scene.tally.kills < kills:
        scene.empty()
        left = 1.0
        while left > 0 and scene.tally.kills < kills:
            (kill or scene.kill)(*words, left=left)
            check()
            scene.check_against_archive()
            left = _missing(scene)
        scene.finish(*words)
        check()
        scene.check_with_rebuild_verify()
        scene.check_all_stored()


def _missing(scene: Scene) -> float:
    return 1 - len(scene.rows("SELECT FROM processed_files")) / len(scene.files)


def fingerprint(scene: Scene) -> list[tuple[object, ...]]:
    """Return a hash of the derived rows, including ids, because a rebuild keeps them."""
    tables = (
        "rounds",
        "player_comprehensive_stats",
        "weapon_comprehensive_stats",
        "session_teams",
        "player_aliases",
    )
    left_out = "- 'stored_at'"
    sums = (
        f"SELECT '{table}', count(*), sum(hashtextextended((to_jsonb(t) {left_out})::text, 0)) FROM {table} t"
        for table in tables
    )
    return scene.rows(" UNION ALL ".join(sums))


def posts_are_right(scene: Scene) -> None:
    """Check that each item has one row, that sent posts are in the channel, and that none is duplicated."""
    posts = scene.rows("SELECT kind, subject, state, message_id FROM posts")
    standing = [post.message_id for post in scene.discord.posts]
    sent = {message_id for _, _, state, message_id in posts if state == "sent"}
    unknown = [post for post in posts if post[2] == "unknown"]
    scene.tally.lost += len(sent - set(standing))
    scene.tally.twice += len(scene.discord.duplicates)
    faults = [
        *scene.discord.violations,
        *scene.discord.duplicates,
        *(f"{post} is neither sent nor unknown" for post in posts if post[2] not in ("sent", "unknown")),
        *(f"message {message_id} counts as sent and is not in the channel" for message_id in sent - set(standing)),
    ]
    if not len(sent) <= len(standing) <= len(sent) + len(unknown):
        faults.append(
            f"{len(standing)} messages are in the channel; stored are {len(sent)} sent and {len(unknown)} unknown"
        )
    expected = scene.rows(
        "SELECT count(*) FILTER (WHERE round_number = 1)"
        " + count(DISTINCT match_id) FILTER (WHERE round_number = 2)"
        " + count(DISTINCT gaming_session_id) FROM rounds"
    )
    if expected != [(len(posts),)]:
        faults.append(f"{len(posts)} posts instead of {expected}")
    if faults:
        raise ScenarioError("; ".join(faults))
