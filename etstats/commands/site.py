"""site: the static site."""

from pathlib import Path
from typing import Annotated

import typer

from etstats.commands.context import context_of
from etstats.commands.lock_wait import USUAL, seconds

family = typer.Typer(no_args_is_help=True, help="The static site: build it, or serve it on this machine.")
app = typer.Typer()
app.add_typer(family, name="site", rich_help_panel="Operate")
FOLDER = Annotated[
    Path | None, typer.Argument(metavar="[DIR]", help="The site's folder; the one of \\[site] path when left out.")
]


@family.command("build")
def build(
    ctx: typer.Context,
    folder: FOLDER = None,
    anew: Annotated[bool, typer.Option("--all", help="Make every page again, changed or not.")] = False,
    wait: Annotated[
        str, typer.Option("--wait", metavar="30s", help="Wait this long for another build of this site.")
    ] = USUAL,
) -> None:
    """Write the whole site into a folder, or bring the one that is there up to date.

    Only changed files are written, each under a temporary name and renamed. Files that etstats did not write are
    never touched; a folder that is not empty and holds no site is refused.

    Example: etstats site build /var/www/stats

    Exit codes: 0 done, 2 not a site's folder, or it cannot be written, 75 the database is down, the disk is full,
    or another build holds the folder.
    """
    from etstats import output
    from etstats.pipeline.site_update import build_site

    context = context_of(ctx)
    place = _folder(ctx, folder)
    with output.progress("sessions") as progress:
        changes = build_site(context.config, place, wait_seconds=seconds(wait), anew=anew, progress=progress)
    if context.verbosity >= 0:
        output.say(
            f"site: {changes.written:,} files written ({changes.size / 1e6:,.1f} MB), "
            f"{changes.removed:,} removed, {changes.unchanged:,} unchanged: {place / 'index.html'}"
        )


@family.command("serve")
def serve(
    ctx: typer.Context,
    folder: FOLDER = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="The port; 0: any free one.")
    ] = 8080,
) -> None:
    """Serve the site on this machine until Ctrl-C; a web server serves it to others.

    Example: etstats site serve /var/www/stats

    Exit codes: 0 ended with Ctrl-C, 2 no site there, or the port is in use.
    """
    from contextlib import suppress

    from etstats import output
    from etstats.site.server import site_server

    place = _folder(ctx, folder)
    with site_server(place, port) as server:
        output.say(f"serving {place} at http://127.0.0.1:{server.server_port}/; end with Ctrl-C")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _folder(ctx: typer.Context, given: Path | None) -> Path:
    from etstats.errors import ConfigError

    if given is not None:
        return given
    path = context_of(ctx).config.site.path
    if path is None:
        raise ConfigError("no folder named; give one, or set [site] path")
    return Path(path).expanduser()
