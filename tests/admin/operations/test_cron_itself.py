"""Real cron runs the lines: Debian's, in a mount namespace of its own, where this machine has both."""

import os
import select
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from etstats.admin import crontab
from etstats.config.schema import CronConfig

SPOOL = "/var/spool/cron/crontabs"
MINUTE = 60


def _can_have_own_spool() -> bool:
    if os.geteuid() or not shutil.which("cron") or not shutil.which("crontab") or not Path(SPOOL).is_dir():
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


if _can_have_own_spool():

    @pytest.mark.timeout(4 * MINUTE)
    def test_cron_runs_the_line_each_minute(tmp_path: Path) -> None:
        """The installed line reaches etstats with its options, its HOME and a PATH, and cron is content."""
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
        reader = os.open(calls, os.O_RDONLY | os.O_NONBLOCK)
        block_file = tmp_path / "block"
        block_file.write_text(block)
        command = ["unshare", "-m", "sh", "-ec", script]
        with block_file.open() as given:
            cron = subprocess.Popen(command, stdin=given, stderr=subprocess.PIPE, text=True, cwd=root)
        try:
            ready, _, _ = select.select([reader], [], [], 3 * MINUTE)
            assert ready, f"cron ran nothing: {cron.poll()}"
            said = os.read(reader, 4096).decode().splitlines()[0]
        finally:
            os.close(reader)
            cron.terminate()
            _, errors = cron.communicate(timeout=10)
        assert errors == ""
        assert said == "/home/et|/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin|-q sync --post --poll 5s --for 55s"
