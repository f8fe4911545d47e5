"""The command of this installation for cron and systemd."""

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from etstats.config import loader
from etstats.config.schema import Config
from etstats.errors import ConfigError

_UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # a surrogate stands for a byte that is not UTF-8


def own_command(config: Config) -> list[str]:
    """Return the absolute command of this installation, with the current settings file.

    ConfigError: a path contains a character that ends a line of a crontab or unit, or is not UTF-8.
    """
    command = [str(script)] if (script := stable_script()) else [sys.executable, "-m", "etstats"]
    path = config.path
    if path is not None and path.resolve() != loader.default_path({}).resolve():
        command += ["--config", str(path.resolve())]
    for word in command:
        if _UNUSABLE.search(word):
            raise ConfigError(
                f"{word!r} contains a control character or a byte that is not UTF-8, so cron and systemd cannot "
                "use it; move it to another folder"
            )
    return command


def short_command() -> str:
    """Return the command to type for this installation: `etstats` if it is in the PATH."""
    script = stable_script()
    named = shutil.which("etstats")
    if script is None or (named is not None and Path(named).resolve() == script.resolve()):
        return "etstats"
    nearby = Path.cwd()
    return shlex.quote(str(script.relative_to(nearby) if script.is_relative_to(nearby) else script))


def stable_script() -> Path | None:
    """Return the script of this installation, or the link that pipx or uv maintains to it.

    The link stays valid when the environments move or the program is reinstalled.
    """
    script = Path(sys.executable).with_name("etstats")
    return next((link for link in _links() if _leads_here(link, script)), script if script.exists() else None)


def _links() -> Iterator[Path]:
    yield Path("~/.local/bin/etstats").expanduser()
    yield Path("/usr/local/bin/etstats")
    if named := shutil.which("etstats"):
        yield Path(named).absolute()


def _leads_here(link: Path, script: Path) -> bool:
    """Return whether a program is this installation: a link to its script, or a script for its Python."""
    if not link.is_file():
        return False
    if script.exists() and link.resolve() == script.resolve():
        return True
    with link.open("rb") as file:
        return file.readline().rstrip() == f"#!{sys.executable}".encode()
