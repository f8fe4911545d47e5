"""Whether a test can have its own crontab spool."""

import os
import shutil
import subprocess
from pathlib import Path

SPOOL = "/var/spool/cron/crontabs"


def can_have_own_spool() -> bool:
    if os.geteuid() or not shutil.which("cron") or not shutil.which("crontab") or not Path(SPOOL).is_dir():
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
