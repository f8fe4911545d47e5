"""Heights of posts on a phone, messages per session, and the effect of Discord's faults on them."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from benchmarks.measuring import table
from etstats.db import embedded
from etstats.db.connection import connect
from etstats.db.migrations import migrate
from etstats.demo.generator import generate_session
from etstats.post.render import compact, compact_pictures, pictures, summaries
from etstats.post.render.message import Message
from etstats.post.settings import DiscordConfig, Style
from tests.conftest import own_database
from tests.post.publish.conftest import PLAIN, START, ZONE, Clock, Stage, ended
from tests.post.publish.scenarios import MESSAGE_KINDS, meet_faults, post_at
from tests.post.render import samples
from tests.post.render.faults import Faulty
from tests.support.discord_client import Shown, measure

_MAPS = 10
_FEW_KINDS = ("round and map", "status")  # of a quick run


def run(runs: int = 5) -> str:
    """Measure and return tables in Markdown; with one run few kinds of messages are tested with faults."""
    logging.getLogger("etstats").addHandler(logging.NullHandler())  # faults are warnings
    with _databases() as new_stage:
        counts = [_messages(new_stage, style) for style in ("full", "compact")]
        heights = [[what, *map(str, sizes), target] for what, *sizes, target in _heights()]
        heights.append([f"messages of a session of {2 * _MAPS} rounds", *map(str, counts), str(2 * _MAPS + 1)])
        kinds = MESSAGE_KINDS if runs > 1 else _FEW_KINDS
        faults = [[f"`{kind}`", *map(str, _meet_faults(new_stage, kind))] for kind in kinds]
    return "\n\n".join(
        (
            "Heights in pixels of a screen of 390, drawn by Chromium with the fonts of the tests.",
            table(["post", "full", "compact", "target"], heights),
            "Compact messages that meet each fault of Discord's stand-in once: errors, lost answers, limits, "
            "bans, refusals. An unknown message may be in the channel; `health` shows it, and nothing sends "
            "it again.",
            table(["kind", "faults", "sent", "unknown", "failed", "lost", "twice", "violations"], faults),
        )
    )


def _heights() -> Iterator[tuple[str, int, int, str]]:
    """Yield for each kind of post its height in both styles, and the limit of the compact one."""
    rows: list[tuple[str, str, list[Shown]]] = []
    for players in (6, 12):
        summary, history = samples.tagged_round(players)
        shown = [(summaries.round_message(summary), b""), (compact.round_post(summary, history), b"")]
        rows.append((f"round, {players // 2} against {players // 2}", "520", [_shown(*one) for one in shown]))
    for players in (6, 12):
        played, history = samples.tagged_map(players)
        shown = [
            (summaries.map_message(played), pictures.scoreboard(played)),
            (compact.map_post(played, history), compact_pictures.map_picture(played)),
        ]
        rows.append((f"map, {players // 2} against {players // 2}", "900", [_shown(*one) for one in shown]))
    for what, players, series in (
        ("session, 3 against 3", 6, 1),
        ("session, two series of 5 against 5", 15, 2),
    ):
        session, history = samples.tagged_session(players, _MAPS, series=series)
        shown = [
            (summaries.session_message(session), pictures.session(session)),
            (compact.session_post(session, history), compact_pictures.session_picture(session)),
        ]
        rows.append((f"{what}, {_MAPS} maps", "1,100", [_shown(*one) for one in shown]))
    sizes = measure([one for _, _, both in rows for one in both])
    for number, (what, most, _) in enumerate(rows):
        yield what, sizes[2 * number].height, sizes[2 * number + 1].height, f"<= {most}"


def _shown(message: Message, png: bytes) -> Shown:
    return message.to_payload(), dict.fromkeys(message.attachments, png)


def _messages(new_stage: "NewStage", style: Style) -> int:
    """Post a session round by round, and return the number of messages."""
    session = generate_session(5, start=START, zone=ZONE, maps=(_MAPS, _MAPS), quirks=PLAIN)
    with new_stage(style) as stage:
        stage.switch_on()
        for file in session.files:
            stage.load(file)
            post_at(stage, ended(file))
        post_at(stage, ended(session.files[-1]) + timedelta(hours=1))
        return len(stage.discord.posts)


def _meet_faults(new_stage: "NewStage", kind: str) -> tuple[int, ...]:
    with new_stage("compact") as stage:
        return meet_faults(stage, kind)


class NewStage:
    """Creates stages with separate databases on one server."""

    def __init__(self, admin: psycopg.Connection, url: str, template: str, folder: Path) -> None:
        self._admin = admin
        self._url = url
        self._template = template
        self._folder = folder

    @contextmanager
    def __call__(self, style: Style) -> Iterator[Stage]:
        """Return a stage whose posts have no pictures."""
        clock = Clock()
        with (
            own_database(self._admin, self._url, self._template) as url,
            connect(url) as conn,
            Faulty(clock=clock) as discord,
        ):
            hook = discord.add_webhook()
            settings = DiscordConfig(webhook_url=hook.url, charts=False, style=style)
            yield Stage(
                conn=conn, url=url, discord=discord, hook=hook, folder=self._folder, clock=clock, settings=settings
            )


@contextmanager
def _databases() -> Iterator[NewStage]:
    """Start a PostgreSQL with a template that has the complete schema."""
    with tempfile.TemporaryDirectory(prefix="etstats-messages-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # root's PostgreSQL runs as another user, who has to pass
        url = embedded.ensure_running(folder / "data", durable=False)
        try:
            with connect(url) as admin:
                admin.autocommit = True
                with own_database(admin, url, "template0") as template:
                    with connect(template) as conn:
                        migrate(conn)
                    yield NewStage(admin, url, urlsplit(template).path[1:], folder)
        finally:
            embedded.stop(folder / "data")
