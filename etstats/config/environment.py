"""Functions that read the environment before the settings; a module that is fast to import."""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path


def complete_environment() -> None:
    """Set HOME and USER for a user without an entry in /etc/passwd, as containers have them.

    Otherwise resolving `~` or the default user of SSH fails.
    """
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        os.environ.setdefault("HOME", "/")
        os.environ.setdefault("USER", str(os.geteuid()))


def default_state_dir() -> Path:
    """Return the state folder before any settings are read."""
    return Path(os.environ.get("ETSTATS_STATE_DIR") or state_dir_without_settings(os.environ)).expanduser()


def state_dir_without_settings(env: Mapping[str, str]) -> str:
    """Return the state folder if neither the settings nor an ETSTATS_ variable set one."""
    return f"{env.get('XDG_STATE_HOME') or '~/.local/state'}/etstats"
