"""etstats demo: the whole pipeline on generated rounds."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from etstats import output
from etstats.admin.own_command import short_command
from etstats.config import loader
from etstats.demo import tour
from etstats.domain.text import pluralize

app = typer.Typer()
_SESSIONS = 30  # of a demo with a site

_NEXT = """\
This demo used a real PostgreSQL and a real SFTP server; only Discord was simulated.
Next steps:
  {etstats} init      set up your own server; it tests each answer
  {etstats} docs      list the pages of the manual
  {etstats} --help    list all commands"""


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Seed of the generated rounds.")] = 7,
    site: Annotated[
        Path | None,
        typer.Option("--site", metavar="DIR", help="Generate several months and write their site to DIR."),
    ] = None,
    posts: Annotated[
        Path | None,
        typer.Option("--posts", metavar="DIR", help="Write the posts and their pictures to DIR, too."),
    ] = None,
) -> int:
    """Run the whole pipeline on generated rounds on this machine.

    It needs no server, database or settings, does not change yours, and removes its files at the end.

    With --site: generate several months of sessions, and write their site instead of the posts.

    Example: etstats demo

    Exit codes: 0 done, else the exit code of the failed command.
    """

    def heading(text: str) -> None:
        output.out().print(f"\n{text}", style="bold", markup=False)
        sys.stdout.flush()  # the commands are separate processes that write to the same terminal

    if site is not None:
        return _site(seed, site.absolute(), heading)
    began = datetime.now(UTC)
    with tour.stage(seed, began) as place:
        output.say(f"Generated {place.files} rounds on a local SFTP server. The last session is posted.")
        for words in (
            ("sync", "--since", "all"),
            ("leaderboard", "--top", "kd"),
            ("post", "--since", "12h"),
            ("recap", "month", "--post"),
            ("status",),
            ("sync", "--post"),
        ):
            heading(f"$ etstats {' '.join(words)}")
            if code := tour.command(place, *words, environment=loader.environment()):
                return code
        tour.post_a_minute_later(place, datetime.now(UTC))
        tour.add_truncated_file(place, began)
        for words in (("sync",), ("health",)):  # which report the file
            heading(f"$ etstats {' '.join(words)}")
            tour.command(place, *words, environment=loader.environment())
        tour.post_next_morning(place, began)
        heading("The posts for players, including the next morning, and for admins")
        tour.draw_posts(place, output.out().print)
        if posts is not None:
            output.say(f"{pluralize(tour.save_posts(place, posts.absolute()), 'post')} written to {posts}")
    output.say(_NEXT.format(etstats=short_command()))
    return 0


def _site(seed: int, folder: Path, heading: Callable[[str], None]) -> int:
    with tour.stage(seed, datetime.now(UTC), sessions=_SESSIONS) as place:
        output.say(f"Generated {place.files} rounds on a local SFTP server.")
        for words in (("sync", "--since", "all"), ("site", "build", str(folder))):
            heading(f"$ etstats {' '.join(words)}")
            if code := tour.command(place, *words, environment=loader.environment()):
                return code
    output.say(f"Open {folder / 'index.html'} in a browser, or run: etstats site serve {folder}")
    return 0
