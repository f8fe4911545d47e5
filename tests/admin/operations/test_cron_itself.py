"""Tests with Debian's cron in a mount namespace, if the machine has both."""

import os
import select
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from etstats.admin import crontab
from etstats.config.schema import CronConfig
from tests.support.cron import SPOOL, can_have_own_spool

MINUTE = 60


def _first_call(received: int, command: str, seconds: float) -> str | None:
    """Return the first line with `command` that the program wrote, or None after `seconds`."""
    ends, unfinished = time.monotonic() + seconds, ""
    while select.select([received], [], [], max(0, ends - time.monotonic()))[0]:
        *lines, unfinished = (unfinished + os.read(received, 4096).decode()).split("\n")
        for line in lines:
            if command in line.split("|")[-1].split():
                return line
    return None


@pytest.mark.skipif(not can_have_own_spool(), reason="needs root, cron and mount namespaces")
@pytest.mark.timeout(6 * MINUTE)
def test_cron_runs_the_entry_each_minute(tmp_path: Path) -> None:
    """The installed entry runs etstats with its options, HOME and PATH."""
    tmp_path.chmod(0o755)
    calls = tmp_path / "calls"
    os.mkfifo(calls)
    program = tmp_path / "my etstats"
    program.write_text(f'#!/bin/sh\necho "$HOME|$PATH|$*" >{calls}\n')
    program.chmod(stat.S_IRWXU)
    block = crontab.block(CronConfig(), [str(program)], "/home/et")
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o730)
    shutil.chown(spool, group="crontab")
    install = tmp_path / "install.py"
    install.write_text(
        "import sys\nfrom etstats.admin import crontab\n"
        "crontab.write_crontab(crontab.with_block(crontab.read_crontab(), sys.stdin.read()))\n"
    )
    script = f"""
        mount --bind '{spool}' {SPOOL}
        mount -t tmpfs tmpfs /run
        PYTHONPATH=. '{sys.executable}' '{install}'
        exec cron -f
    """
    root = Path(crontab.__file__).parents[2]
    # Open for both directions: a job that writes after the test has what it needs must not wait for a reader.
    received = os.open(calls, os.O_RDWR)
    block_file = tmp_path / "block"
    block_file.write_text(block)
    output = tmp_path / "output"
    # Everything in the process namespace, cron's jobs too, ends with the `unshare` process.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script]
    with block_file.open() as given, output.open("w") as written:
        cron = subprocess.Popen(command, stdin=given, stdout=written, stderr=written, cwd=root)
    try:
        call = _first_call(received, "sync", 5 * MINUTE)
    finally:
        cron.kill()
        cron.wait()
        os.close(received)
    assert output.read_text() == ""
    assert call is not None, "cron ran nothing"
    home, path, options = call.split("|")
    assert (home, path) == ("/home/et", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    assert options == "-q --remind 24h sync --post --poll 5s --for 55s"
