"""What every command gets from the options that stand before its name."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import typer

from etstats import config
from etstats.settings import Config


@dataclass
class Context:
    """The global options; settings are read when first asked for, so that `--help` needs none."""

    config_file: Path | None = None
    verbosity: int = 0
    """-1 with `-q`, 1 with `-v`."""

    @cached_property
    def config(self) -> Config:
        """The settings; ConfigError when they are wrong."""
        return config.load(self.config_file)


def context_of(ctx: typer.Context) -> Context:
    """The options given before the command's name."""
    found = ctx.find_object(Context)
    assert found is not None  # noqa: S101  # the root callback makes it before any command runs
    return found
