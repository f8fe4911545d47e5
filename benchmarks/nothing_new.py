"""The cost of a cron run without new files: a complete `sync --post`, including start and database.

With an unchanged folder (one STAT), and after its mtime changed (a full listing).
"""

import os
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.measuring import median, table
from benchmarks.sync import ROUND_TRIPS, Link, _link
from etstats.demo.generator import generate, write_files
from tests.support.workspace import Workspace, workspace

FILES, OTHERS = 3_700, 700
START = datetime(2024, 1, 5, 20)  # noqa: DTZ001  # the server's own clock

_SETTINGS = """\
[[servers]]
name = "main"
host = "{host}"
port = {port}
user = "{user}"
key_file = "{key}"
known_hosts = "{known_hosts}"
remote_path = "{remote}"
timezone = "Europe/Ljubljana"

[discord]
webhook_url = "{webhook}"
"""


def run(runs: int = 5) -> str:
    """Measure and return a table in Markdown; each value is the median of three times as many runs."""
    from etstats.demo.discord import StandIn
    from tests.support.sftp_server import SSHD, OpenSshServer, TestServer

    with workspace() as here, ExitStack() as stack:
        root, keys = here.folder / "gamestats", here.folder / "keys"
        for folder in (root, keys):
            folder.mkdir(mode=0o700)
        _make_files(root)
        kind: type[Any] = OpenSshServer if SSHD else TestServer
        server = stack.enter_context(kind(root, keys))
        webhook = stack.enter_context(StandIn()).add_webhook().url
        rows = []
        for round_trip in ROUND_TRIPS:
            link = _link(stack, server.settings(), keys, round_trip)
            _configure(here, link, webhook)
            here.etstats("-q", "sync", "--post")
            unchanged = [here.etstats("-q", "sync", "--post").seconds for _ in range(3 * runs)]
            touched = [_touched(here, root, number) for number in range(3 * runs)]
            target = "< 0.45 s" if round_trip == 0 else "< 1.0 s"
            rows.append(
                [f"{1000 * round_trip:.0f} ms", f"{median(unchanged):.2f} s", f"{median(touched):.2f} s", target]
            )
    heads = ["round trip", "folder unchanged", "folder touched", "target"]
    return f"{FILES:,} known rounds in a folder of {FILES + OTHERS:,} names.\n\n" + table(heads, rows)


def _make_files(root: Path) -> None:
    for number, file in enumerate(generate(4, start=START, files=FILES)):
        write_files(root, [file])
        if number < OTHERS:
            (root / file.name.replace(".txt", "_ws.txt")).write_bytes(file.content)


def _configure(here: Workspace, link: Link, webhook: str) -> None:
    to = link.settings
    config = here.folder / "config.toml"
    config.chmod(0o600)
    config.write_text(
        _SETTINGS.format(
            host=to.host,
            port=to.port,
            user=to.user,
            key=to.key_file,
            known_hosts=to.known_hosts,
            remote=to.remote_path,
            webhook=webhook,
        )
    )


def _touched(here: Workspace, root: Path, number: int) -> float:
    """Measure the same after another file changed the mtime of the folder."""
    (root / f"note-{number}.tmp").touch()
    os.utime(root, (1_800_000_000 + number, 1_800_000_000 + number))
    return here.etstats("-q", "sync", "--post").seconds
