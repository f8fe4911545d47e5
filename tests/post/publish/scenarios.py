"""Every kind of message meets every fault of the stand-in: sent once, or unknown or failed and said so."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

from etstats.db import identity
from etstats.db.series import sessions_of_players
from etstats.demo.generator import GeneratedSession, generate_session
from etstats.domain.live import GamePlayer, LiveServer
from etstats.domain.rules.calendar_spans import span_of
from etstats.importer.series import refresh_series
from etstats.post.publish import calendar
from etstats.post.publish.admin_channel import show_findings
from etstats.post.publish.calendar import CalendarItem
from etstats.post.publish.live import ServerSnapshot, post_live
from etstats.post.render.admin_messages import HealthFinding
from etstats.post.settings import CALENDAR_KINDS, ROUND_KINDS, SERVER_KINDS
from tests.post.publish.conftest import PLAIN, START, ZONE, Stage
from tests.post.render.faults import Fault

MESSAGE_KINDS = (*ROUND_KINDS, "round and map", *SERVER_KINDS, *CALENDAR_KINDS, "admin")
_WAITS = [timedelta(minutes=minutes) for minutes in (1, 2, 3, 5, 10, 10, 10, 20, 60, 60, 60, 60, 60)]
"""Between the runs after a fault; together they are longer than the longest pause after one."""
_APART = timedelta(days=92)  # each session in a week, a month and a quarter of its own
_FIRST = START - (len(Fault) + 1) * _APART  # so that none is in the future

Run = Callable[[datetime], None]


class FaultCount(NamedTuple):
    """The results of the messages of one kind, each of which meets one fault.

    `lost`: not sent, unknown or failed, or sent and not in the channel. `twice`: in the channel and neither
    sent nor unknown, or the same as another one.
    """

    scenarios: int
    sent: int
    unknown: int
    failed: int
    lost: int
    twice: int
    violations: int


def meet_faults(stage: Stage, kind: str) -> FaultCount:
    """Post one message of a kind per fault, which its first request meets; count the results."""
    faults = list(Fault)
    for fault, (run, begins) in zip(faults, _scenarios(stage, kind, len(faults)), strict=True):
        stage.discord.faults = [fault]
        run(begins)
        for wait in accumulate(_WAITS):
            run(begins + wait)
            if "pending" not in dict(_journal(stage, kind)):
                break
        stage.discord.faults = []
    rows = _journal(stage, kind)
    standing = {post.message_id for post in stage.discord.posts}
    states = [state for state, _ in rows]
    sent = {message_id for state, message_id in rows if state == "sent"}
    expected = len(faults) * (2 if kind in {"round", "round and map"} else 1)
    unknown, failed = states.count("unknown"), states.count("failed")
    return FaultCount(
        scenarios=len(faults),
        sent=len(sent),
        unknown=unknown,
        failed=failed,
        lost=expected - len(sent) - unknown - failed + len(sent - standing),
        twice=len(stage.discord.duplicates) + max(0, len(standing - sent) - unknown),
        violations=len(stage.discord.violations) + len(stage.discord.early),
    )


class EditCount(NamedTuple):
    """The results of edits of the messages of one kind, each of which meets one fault.

    `refused`: Discord takes no such message. `outdated`: the message shows what it showed before.
    """

    scenarios: int
    edited: int
    refused: int
    outdated: int
    twice: int
    violations: int


def meet_edit_faults(stage: Stage, kind: str) -> EditCount:
    """Post one message of a kind per fault, which its first edit meets; count the edits."""
    faults = list(Fault)
    edited = refused = 0
    for fault, (run, begins) in zip(faults, _scenarios(stage, kind, len(faults)), strict=True):
        run(begins)
        guid, name = _somebody(stage, begins)
        standing = len(stage.discord.posts)
        _hide(stage, guid)
        stage.discord.faults = [fault]
        for wait in accumulate(_WAITS):
            run(begins + wait)
            if is_current := _is_current(stage, kind, begins + wait, name):
                break
        refused += not is_current and fault is Fault.TOO_LARGE  # tried again with the next change
        edited += is_current
        assert not stage.discord.faults, "no edit met the fault"
        assert len(stage.discord.posts) == standing
        _hide(stage, guid, undo=True)
    return EditCount(
        scenarios=len(faults),
        edited=edited,
        refused=refused,
        outdated=len(faults) - edited - refused,
        twice=len(stage.discord.duplicates),
        violations=len(stage.discord.violations) + len(stage.discord.early),
    )


def _somebody(stage: Stage, before: datetime) -> tuple[str, str]:
    """Return the GUID and the displayed name of a player of the newest round; empty if nobody played."""
    with stage.conn.transaction():
        found = stage.conn.execute(
            """SELECT p.player_guid, p.clean_name
               FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id
               WHERE r.ended_at <= %s AND p.clean_name ~ '^[A-Za-z0-9]{3,10}$'
               ORDER BY r.ended_at DESC, p.player_guid LIMIT 1""",
            (before,),
        ).fetchone()
    return found or ("", "")


def _hide(stage: Stage, guid: str, *, undo: bool = False) -> None:
    """Hide a player, or show one again, like `etstats hide`; do nothing without a GUID."""
    if guid:
        with stage.conn.transaction():
            (identity.unhide if undo else identity.hide)(stage.conn, guid)
            refresh_series(stage.conn, sessions_of_players(stage.conn, [guid]))


def _is_current(stage: Stage, kind: str, now: datetime, hidden: str) -> bool:
    """Return whether the messages are current: this minute's number, no hidden name."""
    texts = [json.dumps(post.payload, ensure_ascii=False) for post in stage.discord.posts]
    if kind in {"status", "admin"}:
        return re.search(rf" {now.minute}(?!\d)", texts[-1]) is not None
    return not any(re.search(rf"\b{hidden}\b", text) for text in texts[-2 if kind == "round and map" else -1 :])


def post_at(stage: Stage, now: datetime, first: datetime = START) -> None:
    """Post what is due at a time, to which the stage's clock moves; `first`: the start time."""
    stage.clock.now = max(stage.clock.now, stage.began + (now - first).total_seconds())
    stage.post(first)


def _journal(stage: Stage, kind: str) -> list[tuple[str, str | None]]:
    """Return the state and the id of each message of a kind."""
    table = "posts" if kind in {*ROUND_KINDS, "round and map"} else "notices"
    with stage.conn.transaction():
        return stage.conn.execute(f"SELECT state, message_id FROM {table}").fetchall()


def _scenarios(stage: Stage, kind: str, count: int) -> Iterator[tuple[Run, datetime]]:
    """Yield the steps of a run for each message to post, and the time of the first."""
    if kind == "status":
        stage.set(status=True, kinds=())
    elif kind == "admin":
        stage.set(kinds=(), admin_webhook_url=stage.hook.url)
    else:
        stage.set(kinds=("round", "map") if kind == "round and map" else (kind,))
    if kind in SERVER_KINDS:
        return _live(stage, kind, count)
    if kind == "admin":
        return _findings(stage, count)
    sessions = [
        generate_session(number, start=_FIRST + number * _APART, zone=ZONE, maps=(1, 1), players=4, quirks=PLAIN)
        for number in range(count)
    ]
    return _calendar(stage, kind, sessions) if kind in CALENDAR_KINDS else _rounds(stage, kind, sessions)


def _rounds(stage: Stage, kind: str, sessions: list[GeneratedSession]) -> Iterator[tuple[Run, datetime]]:
    """Each fault hits the message of a round 1, or of a map if a round and its map share a message."""
    stage.switch_on(now=_FIRST - timedelta(hours=1))

    def run(now: datetime) -> None:
        post_at(stage, now, _FIRST)

    for session in sessions:
        first, second = session.files
        stage.load(first)
        if kind == "round and map":
            run(datetime.fromtimestamp(first.mtime, UTC))
        stage.load(second)
        ended = datetime.fromtimestamp(second.mtime, UTC)
        yield run, ended + timedelta(minutes=40) if kind == "session" else ended


def _calendar(stage: Stage, kind: str, sessions: list[GeneratedSession]) -> Iterator[tuple[Run, datetime]]:
    zone = ZoneInfo(ZONE)
    stage.load(*(file for session in sessions for file in session.files))
    for session in sessions:
        played = datetime.fromtimestamp(session.files[-1].mtime, zone)
        item = CalendarItem(kind, _subject(kind, played))

        def run(now: datetime, item: CalendarItem = item) -> None:
            stage.clock.sleep(60)
            calendar.publish(
                stage.conn, stage.settings, now, zone, [item], limit_seconds=30,
                clock=stage.clock, sleep=stage.clock.sleep,
            )  # fmt: skip

        yield run, played + timedelta(hours=12)


def _subject(kind: str, played: datetime) -> str:
    day = played.date()
    match kind:
        case "morning":
            return (day + timedelta(days=1)).isoformat()
        case "on_this_day":
            return date(day.year + 1, day.month, day.day).isoformat()
    spans = {"recap_week": "week", "recap_month": "month", "season": "season"}
    return span_of(spans[kind], played, ZoneInfo(ZONE)).name


def _live(stage: Stage, kind: str, count: int) -> Iterator[tuple[Run, datetime]]:
    """Each fault happens on a separate server."""
    for number in range(count):
        name, people = f"server {number}", 4 if kind == "session_start" else 8
        stage.load(server=name)

        def run(now: datetime, name: str = name, people: int = people) -> None:
            stage.clock.sleep(60)
            players = tuple(GamePlayer(f"player {place}", now.minute, None) for place in range(people))
            shown = LiveServer(name, "127.0.0.1:27960", True, "supply", players, 0, 20, 12, None)
            post_live(
                stage.conn, stage.settings, stage.config.timezone, now, [ServerSnapshot(shown, None, now)],
                gap=timedelta(hours=2), limit_seconds=30, clock=stage.clock, sleep=stage.clock.sleep,
            )  # fmt: skip

        yield run, _FIRST + number * _APART


def _findings(stage: Stage, count: int) -> Iterator[tuple[Run, datetime]]:
    """A problem starts, lasts for the runs of its fault, and ends before the next one starts."""
    for number in range(count):

        def run(now: datetime, number: int = number, *, is_over: bool = False) -> None:
            stage.clock.sleep(60)
            found = [] if is_over else [HealthFinding("disk", f"{number} GB and {now.minute} MB free")]
            show_findings(
                stage.conn, stage.settings, now, now.tzinfo or UTC, found, limit_seconds=30,
                clock=stage.clock, sleep=stage.clock.sleep,
            )  # fmt: skip

        begins = _FIRST + number * _APART
        yield run, begins
        run(begins + timedelta(days=1), is_over=True)
