"""The tour for those who want to see before they set up."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
_SESSIONS = 30  # of a demo with a site

_NEXT = """\
That was a real PostgreSQL, a real SFTP server and the commands themselves;
only Discord was a stand-in.
What to do next:
  etstats init           set up your own server: it tests each step as it goes
  etstats leaderboard    lists the boards
  etstats --help         all commands"""


@app.command(rich_help_panel="Operate")
def demo(
    seed: Annotated[int, typer.Option(help="Another number, another session.")] = 7,
    site: Annotated[
        Path | None, typer.Option("--site", metavar="DIR", help="Play some months, and write their site to DIR.")
    ] = None,
) -> int:
    """Show the whole pipeline running on an invented session: SFTP, PostgreSQL, boards and posts.

    Needs no server, no database and no settings, touches none of yours, and cleans up behind itself.

    With --site: the same for some months of sessions, and their pages instead of the posts.

    Example: etstats demo

    Exit codes: 0 it all worked, else the code of the command that did not.
    """
    from etstats import output
    from etstats.config import loader
    from etstats.demo import tour

    def heading(text: str) -> None:
        output.out().print(f"\n{text}", style="bold", markup=False)
        sys.stdout.flush()  # the commands write to the same terminal from processes of their own

    if site is not None:
        return _site(seed, site.absolute(), heading)
    with tour.stage(seed, datetime.now(UTC)) as place:
        output.say(f"A session of {place.files} rounds lies on an SFTP server of this machine.")
        for words in (("sync",), ("leaderboard", "--top", "kd"), ("post", "--since", "all")):
            heading(f"$ etstats {' '.join(words)}")
            if code := tour.command(place, *words, environment=loader.environment()):
                return code
        heading("What the players see")
        tour.draw_posts(place, output.out().print)
    output.say(_NEXT)
    return 0


def _site(seed: int, folder: Path, heading: Callable[[str], None]) -> int:
    from etstats import output
    from etstats.config import loader
    from etstats.demo import tour

    with tour.stage(seed, datetime.now(UTC), sessions=_SESSIONS) as place:
        output.say(f"{place.files} rounds lie on an SFTP server of this machine.")
        for words in (("sync", "--since", "all"), ("site", "build", str(folder))):
            heading(f"$ etstats {' '.join(words)}")
            if code := tour.command(place, *words, environment=loader.environment()):
                return code
    output.say(f"Open {folder / 'index.html'} in a browser, or run: etstats site serve {folder}")
    return 0
