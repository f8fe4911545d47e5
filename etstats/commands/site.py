"""site: the static site."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from etstats import output
from etstats.commands.context import context_of
from etstats.commands.lock_wait import patience
from etstats.domain.text import bytes_in_words
from etstats.errors import ConfigError
from etstats.pipeline.site_update import build_site
from etstats.site.server import site_server

family = typer.Typer(
    no_args_is_help=True,
    help="Build the static site, or serve it on this machine.\n\nExample: etstats site build ~/site",
)
app = typer.Typer()
app.add_typer(family, name="site")
FOLDER = Annotated[
    Path | None, typer.Argument(metavar="[DIR]", help="Folder of the site; default: \\[site] path.")
]


@family.command("build")
def build(
    ctx: typer.Context,
    folder: FOLDER = None,
    anew: Annotated[bool, typer.Option("--all", help="Write every page, changed or not.")] = False,
    wait: Annotated[
        str | None,
        typer.Option(
            "--wait",
            metavar="30s",
            help="Wait for another build; default 30s on a terminal, else 0.",
        ),
    ] = None,
) -> None:
    """Write the site into a folder, or update it.

    Only changed files are written, each atomically. Other files are never changed; a folder that is not empty and
    contains no site is refused.

    Example: etstats site build /var/www/stats

    Exit codes: 0 done, 2 not a site's folder, or it cannot be written, 75 the database is down, the disk is full,
    or another build is running.
    """
    context = context_of(ctx)
    place = _folder(ctx, folder)
    with output.progress("sessions") as progress:
        changes = build_site(
            context.config, place, wait_seconds=patience(wait, context), anew=anew, progress=progress
        )
    if context.verbosity >= 0:
        output.say(
            f"site: {changes.written:,} files written ({bytes_in_words(changes.size)}), "
            f"{changes.removed:,} removed, {changes.unchanged:,} unchanged: {place / 'index.html'}"
        )


@family.command("serve")
def serve(
    ctx: typer.Context,
    folder: FOLDER = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port; 0: any free port.")
    ] = 8080,
) -> None:
    """Serve the site on this machine until Ctrl-C.

    Example: etstats site serve /var/www/stats

    Exit codes: 0 stopped with Ctrl-C, 2 no site there, or the port is in use.
    """
    place = _folder(ctx, folder)
    with site_server(place, port) as server:
        output.say(f"serving {place} at http://127.0.0.1:{server.server_port}/; stop with Ctrl-C")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _folder(ctx: typer.Context, given: Path | None) -> Path:
    if given is not None:
        return given
    path = context_of(ctx).config.site.path
    if path is None:
        raise ConfigError("no folder given; name one, or set [site] path")
    return Path(path).expanduser()
