"""etstats demo: the whole pipeline on generated rounds."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from etstats import output
from etstats.admin.own_command import short_command
from etstats.config import loader
from etstats.demo import tour
from etstats.domain.text import pluralize
from etstats.errors import ConfigError
from etstats.pipeline import live
from etstats.pipeline.database import open_database
from etstats.post.publish import calendar
from etstats.post.render.message import Embed, EmbedField, Message
from etstats.post.render.terminal import draw
from etstats.site.folder import MANIFEST, check_folder
from etstats.sync import game_query

app = typer.Typer()
_SESSIONS = 30  # of a demo with a site
_MARK = ".etstats-demo"
"""A file with the hash of the manifest that a demo wrote: a later build of a real site changes the manifest."""

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

    With --site: generate several months of sessions, and write their site instead of the posts. Only new and
    empty folders, and those of an earlier demo, are accepted.

    Example: etstats demo

    Exit codes: 0 done, else the exit code of the failed command.
    """

    def heading(text: str) -> None:
        output.out().print(f"\n{text}", style="bold", markup=False)
        sys.stdout.flush()  # the commands are separate processes that write to the same terminal

    if site is not None:
        return _site(seed, site.absolute(), heading)
    if posts is not None:
        _check_posts(posts)
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
        _post_a_minute_later(place, datetime.now(UTC))
        tour.add_truncated_file(place, began)
        for words in (("sync",), ("health",)):  # which report the file
            heading(f"$ etstats {' '.join(words)}")
            tour.command(place, *words, environment=loader.environment())
        _post_next_morning(place, began)
        heading("The posts for players, including the next morning, and for admins")
        _draw_posts(place)
        if posts is not None:
            output.say(f"{pluralize(tour.save_posts(place, posts.absolute()), 'post')} written to {posts}")
    output.say(_NEXT.format(etstats=short_command()))
    return 0


def _site(seed: int, folder: Path, heading: Callable[[str], None]) -> int:
    check_folder(folder)
    mark, manifest = folder / _MARK, folder / MANIFEST
    if manifest.exists() and (not mark.is_file() or mark.read_text() != _hash(manifest)):
        raise ConfigError(f"{folder} contains a site that the demo did not build; choose another folder")
    with tour.stage(seed, datetime.now(UTC), sessions=_SESSIONS) as place:
        output.say(f"Generated {place.files} rounds on a local SFTP server.")
        for words in (("sync", "--since", "all"), ("site", "build", str(folder))):
            heading(f"$ etstats {' '.join(words)}")
            if code := tour.command(place, *words, environment=loader.environment()):
                return code
    mark.write_text(_hash(manifest))
    output.say(f"Open {folder / 'index.html'} in a browser, or run: etstats site serve {folder}")
    return 0


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _check_posts(folder: Path) -> None:
    """Raise ConfigError if the folder contains anything but the posts of an earlier demo."""
    if not folder.exists():
        return
    if not folder.is_dir() or not all((entry / "message.json").is_file() for entry in folder.iterdir()):
        raise ConfigError(f"{folder} is not a folder with only the posts of a demo; choose another folder")


def _post_a_minute_later(place: tour.Stage, now: datetime) -> None:
    """Post the status again after more players have joined."""
    place.add_players()
    config = loader.load(place.config)
    answers = game_query.ask({server.name: server.query for server in config.servers if server.query})
    with open_database(config) as conn:
        live.publish(conn, config, answers, now + timedelta(minutes=1))


def _post_next_morning(place: tour.Stage, now: datetime) -> None:
    """Send the scheduled posts of the next morning."""
    config, then, zone = loader.load(place.config), tour.next_morning(now), ZoneInfo(tour.ZONE)
    with open_database(config) as conn:
        items = calendar.due(config.discord, then, zone)
        calendar.publish(conn, config.discord, then, zone, items, limit_seconds=config.discord.run_limit)


def _draw_posts(place: tour.Stage) -> None:
    """Print the messages of the channel as shown in Discord."""
    for post in place.discord.posts:
        output.out().print()
        draw(_message(post.payload))


def _message(payload: Mapping[str, Any]) -> Message:
    """Return a received message as a `Message`."""
    embeds = tuple(
        Embed(
            title=embed["title"],
            colour=embed["color"],
            description=embed.get("description", ""),
            fields=tuple(
                EmbedField(name=field["name"], value=field["value"]) for field in embed.get("fields", ())
            ),
            author=embed.get("author", {}).get("name", ""),
            footer=embed.get("footer", {}).get("text", ""),
            image=embed["image"]["url"].removeprefix("attachment://") if "image" in embed else None,
        )
        for embed in payload["embeds"]
    )
    return Message(embeds=embeds, content=payload.get("content", ""))
