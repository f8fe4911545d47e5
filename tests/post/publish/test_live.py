"""Tests of live messages: edited in place, once per session, exactly once with every fault."""

import re
from datetime import timedelta

import pytest

from etstats.domain.live import GamePlayer
from tests.post.publish.conftest import START, Stage
from tests.post.publish.servers import server, show
from tests.post.render.faults import CHANNEL_REFUSALS, Fault

MINUTE = timedelta(minutes=1)


@pytest.fixture
def live(stage: Stage) -> Stage:
    stage.load()
    return stage


def texts(stage: Stage) -> list[str]:
    return [
        f"{embed['title']}: {embed['description']}"
        for post in stage.discord.posts
        for embed in post.payload["embeds"]
    ]


def test_changes_edit_one_message(live: Stage) -> None:
    """The first poll posts, changes edit, no change sends nothing; a server that is down is grey with its time."""
    live.set(status=True, kinds=())
    assert show(live, START, server(3)).counts == {"posted": 1}
    requests = len(live.discord.requests)
    for minute in range(1, 4):
        assert show(live, START + minute * MINUTE, server(3)).counts == {}
    assert len(live.discord.requests) == requests
    assert show(live, START + 4 * MINUTE, server(4)).counts == {"edited": 1}
    assert show(live, START + 4 * MINUTE + timedelta(seconds=30), server(5)).counts == {}
    assert show(live, START + 6 * MINUTE, server(online=False)).counts == {"edited": 1}
    (message,) = live.discord.posts
    assert "does not answer" in message.payload["embeds"][0]["description"]
    assert message.payload["allowed_mentions"] == {"parse": []}


def test_deleted_message_is_posted_again_once(live: Stage) -> None:
    """After it was deleted twice, the message is not posted again."""
    live.set(status=True, kinds=())
    posted = 0
    for minute in range(12):
        posted += show(live, START + minute * MINUTE, server(2 + minute % 2)).counts["posted"]
        if minute in {2, 6}:
            live.discord.delete_message(live.discord.posts[-1].message_id)
    assert (posted, len(live.discord.posts)) == (2, 0)


def test_new_channel_gets_a_new_message(live: Stage) -> None:
    """If another channel is configured, the message is posted there."""
    live.set(status=True, kinds=())
    show(live, START, server(3))
    live.set(webhook_url=live.discord.add_webhook().url)
    assert show(live, START + 2 * MINUTE, server(3)).counts == {"posted": 1}


def test_game_on_is_posted_once_per_session(live: Stage) -> None:
    """Game on and session started are posted once, until nobody played for the longest break within a session.

    When a game is on at once, that says it all.
    """
    live.set(kinds=("game_on", "session_start"))
    now = START
    for people in [0, 1, 2, 4, 6, 8, 3, 7, 0, 6]:
        now += MINUTE
        show(live, now, server(people))
    titles = [text.partition(":")[0] for text in texts(live)]
    assert titles == ["Session started · main", "6 players on supply"]
    now += timedelta(minutes=50)
    show(live, now, server(6))
    assert len(live.discord.posts) == 2
    now += timedelta(minutes=61)
    show(live, now, server(7))
    titles = [text.partition(":")[0] for text in texts(live)]
    assert titles[2:] == ["7 players on supply"]
    assert not live.discord.pinged


def test_run_with_a_fast_clock_delays_nothing(live: Stage) -> None:
    """A stored time in the future delays neither the status nor the messages of the next session."""
    live.set(status=True, kinds=("game_on",))
    show(live, START.replace(year=2036), server(6))
    assert show(live, START, server(8)).counts == {"posted": 1, "edited": 1}


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_every_fault_is_followed_by_an_edit(live: Stage, fault: Fault) -> None:
    """A message is sent once, waits, or is unknown or failed; and the next edit succeeds."""
    live.set(status=True, kinds=("game_on",))
    live.discord.faults = [fault]
    show(live, START, server(7))
    for minute in (*range(2, 14), 29):
        show(live, START + minute * MINUTE, server(7, score=minute))
    rows = live.conn.execute("SELECT kind, state FROM notices ORDER BY kind").fetchall()
    live.conn.commit()
    states: dict[str, str] = dict(rows)
    assert set(states) == {"status", "game_on"}
    assert states["game_on"] == "sent"
    lost = {state for state in states.values() if state != "sent"}
    assert lost <= {"unknown", "failed"}
    assert bool(lost & {"failed"}) == (fault is Fault.TOO_LARGE)
    if fault in CHANNEL_REFUSALS:
        assert not lost
    assert len(live.discord.posts) <= 2


@pytest.mark.parametrize(
    "name",
    [
        "@everyone",
        "```",
        "<@1>",
        "a" * 64,
        "\u202egnp",
        "漢字" * 16,
        "**bold**",
        "[x](http://evil.example)",
        "\u200b",
        "@" * 64,
        "\u05d0" + "@\u0301\u0301" * 20,
    ],
)
def test_hostile_names_fit_and_ping_nobody(live: Stage, name: str) -> None:
    """64 players with any names fit, or are counted, and ping nobody."""
    live.set(status=True, kinds=("game_on", "session_start"))
    sides = (None, "axis", "allies", "spectator")
    players = tuple(GamePlayer(name, -99999, sides[number % 4]) for number in range(64))
    assert show(live, START, server(2)._replace(map=name, players=players)).counts["posted"] == 2
    assert not live.discord.pinged
    (rows,) = re.findall(r"```\n(.*)\n```", texts(live)[0], re.DOTALL)
    left_out = re.search(r"… and (\d+) more$", rows)
    assert rows.count("-99999") + int(left_out[1] if left_out else 0) == 64
