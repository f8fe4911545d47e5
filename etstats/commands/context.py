"""The global options, which precede the command's name."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from etstats import logs, output
from etstats.admin.repeats import Repeats
from etstats.config.environment import default_state_dir
from etstats.domain.durations import seconds

if TYPE_CHECKING:
    from etstats.config.schema import Config

_PASSWORD = re.compile(r"//[^/@]*:[^/]*@|password\s*=")


@dataclass
class Context:
    """The global options; settings are read on first use, so that `--help` works without them."""

    config_file: Path | None = None
    verbosity: int = 0
    """-1 with `-q`, 1 with `-v`."""
    log_format: str | None = None
    read_url: str | None = None

    @cached_property
    def config(self) -> "Config":
        """Return the settings, and start logging; ConfigError if they are invalid."""
        from etstats.config import loader  # noqa: PLC0415  # all types of settings, which `--help` needs none of

        loaded = loader.load(self.config_file)
        if self.read_url is not None:
            loaded = replace(loaded, database=replace(loaded.database, read_url=self.read_url))
        secrets = output.hide(loader.secrets(loaded))
        log = replace(loaded.log, format=self.log_format or loaded.log.format)
        problem = logs.configure(log, loaded.state_dir, secrets, self.verbosity)
        if problem and self.verbosity >= 0:
            output.say(f"etstats: {problem}")
        for line in loader.unknown_variables():
            output.note(f"etstats: {line}")
        if self.verbosity >= 0 and self.read_url and _PASSWORD.search(self.read_url):
            output.say(
                "etstats: every user of this machine can read the password in --read-url while this runs; put the "
                "address into ETSTATS_DATABASE_READ_URL, or into the settings as database.read_url, instead."
            )
        return loaded


def limit_repeats(remind: str) -> None:
    """Repeat a message only after the time in `--remind`, and record a scheduled run."""
    repeats = Repeats(default_state_dir(), seconds(remind, "--remind"))
    repeats.touch()
    output.limit_repeats(repeats.is_due)


def context_of(ctx: typer.Context) -> Context:
    """Return the global options of the current command."""
    found = ctx.find_object(Context)
    assert found is not None  # noqa: S101  # the root callback creates it before any command runs
    return found
