"""Tests of compact posts: round 2 and map are one message; sent messages keep style and history."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from etstats.demo.generator import GeneratedFile, GeneratedSession, generate, generate_session
from etstats.importer.series import refresh_series
from etstats.post.publish import EVERYTHING
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.manual import post_named, publishing, thing
from etstats.post.publish.pending import PendingPosts
from etstats.post.publish.run import Publisher
from etstats.post.settings import ChannelConfig
from tests.post.publish.conftest import PLAIN, START, ZONE, Stage, ended
from tests.post.render.faults import Fault
from tests.support.hostile import HOSTILE

DAY = timedelta(days=1)


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.set(style="compact")
    return stage


def texts(stage: Stage) -> list[str]:
    """Return the texts of the messages, title first."""
    embeds = [post.payload["embeds"][0] for post in stage.discord.posts]
    return [f"{embed['title']}\n{embed.get('description', '')}" for embed in embeds]


def refresh(stage: Stage, now: datetime) -> int:
    """Refresh all messages; return the number of edits."""
    now += timedelta(seconds=stage.clock.now - stage.began + 60)
    watch = Deadline(now, 300.0, stage.clock, stage.clock.sleep)
    pending = PendingPosts(stage.conn, stage.settings, watch)
    publisher = Publisher(stage.conn, stage.settings, stage.config.timezone, pending, watch)
    publisher.renews_history = True
    stage.change_all()
    publisher.correct()
    return publisher.report.counts["edited"]


def test_session_of_three_maps_has_seven_messages(stage: Stage, session: GeneratedSession) -> None:
    """Round 1, then round 2 with its map, then the session."""
    stage.switch_on()
    for file in session.files:
        stage.load(file)
        assert str(stage.post(ended(file))) == "1 posted"
        assert str(stage.post(ended(file))) == "nothing to post"
    assert str(stage.post(START + DAY)) == "1 posted"
    assert str(stage.post(START + DAY)) == "nothing to post"
    assert [kind for kind, _ in stage.states()] == ["round", "map"] * 3 + ["session"]
    assert {state for _, state in stage.states()} == {"sent"}
    assert [text.startswith("🏁") for text in texts(stage)] == [False, True] * 3 + [False]
    assert stage.count("changed_sessions") == 0


def test_map_shows_rating_changes(stage: Stage, session: GeneratedSession) -> None:
    """The average rating changes of the teams are shown; the ratings are updated for it."""
    stage.switch_on()
    stage.load(*session.files[:2])
    stage.post(ended(session.files[1]))
    (changes,) = re.findall(r"Rating: .*?\xa0([+-]\d+)(?: \(\d+ % to win\))?, .*\xa0([+-]\d+)", texts(stage)[-1])
    means = stage.conn.execute(
        """SELECT 1000 * avg(r.delta)::float
           FROM player_ratings r JOIN session_teams t ON t.player_guid = r.identity_guid
           GROUP BY t.team ORDER BY t.team"""
    ).fetchall()
    assert sorted(map(int, changes)) == [pytest.approx(mean, abs=1) for (mean,) in sorted(means)]


def test_separate_channels_have_separate_messages(stage: Stage, session: GeneratedSession) -> None:
    """With two channels for rounds and maps, each round has a separate post."""
    maps = stage.discord.add_webhook()
    stage.set(map=ChannelConfig(webhook_url=maps.url))
    stage.switch_on()
    stage.load(*session.files[:2])
    assert stage.post(ended(session.files[1])).counts == {"posted": 3}
    assert [kind for kind, _ in stage.states()] == ["round", "round", "map"]


def test_unpaired_round_2_becomes_its_map(stage: Stage, session: GeneratedSession) -> None:
    """It is posted after a while with both rounds, and edited into the map when round 1 arrives."""
    first, second = session.files[:2]
    stage.switch_on()
    stage.load(second)
    now = ended(second) + timedelta(minutes=5)
    assert str(stage.post(now)) == "1 posted"
    assert "Round 1 of this map is missing" in texts(stage)[0]
    stage.load(first)
    assert stage.post(now).counts == {"posted": 1, "edited": 1}
    assert [kind for kind, _ in stage.states()] == ["round", "round"]
    assert texts(stage)[0].startswith("🏁")
    assert str(stage.post(now)) == "nothing to post"
    stage.change_all()
    assert str(stage.post(now)) == "nothing to post"


def test_waiting_round_2_is_one_message(stage: Stage, session: GeneratedSession) -> None:
    """Discord refused it when it was claimed alone; its round 1 arrived before the next attempt."""
    first, second = session.files[:2]
    stage.set(session_end_minutes=1440)
    stage.switch_on()
    stage.load(second)
    now = ended(second) + timedelta(minutes=5)
    stage.discord.faults = [Fault.UNAVAILABLE] * 20
    stage.post(now)
    stage.discord.faults = []
    stage.load(first)
    for minutes in range(0, 60, 10):
        stage.post(now + timedelta(minutes=minutes))
    assert len(stage.discord.posts) == 2
    assert [text.startswith("🏁") for text in texts(stage)].count(True) == 1


@pytest.mark.parametrize("styles", [("compact", "full"), ("full", "compact")])
def test_message_keeps_its_style(stage: Stage, session: GeneratedSession, styles: tuple[str, str]) -> None:
    """A change of style edits and posts nothing; corrections keep the style of the message."""
    stage.set(style=styles[0], session_end_minutes=1440)
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    stage.post(now)
    before = texts(stage)
    stage.set(style=styles[1])
    stage.change_all()
    assert str(stage.post(now)) == "nothing to post"
    assert texts(stage) == before
    guid = stage.hide(session.rounds[0])
    report = stage.post(now)
    assert report.counts == {"edited": len(before)}
    stage.show(guid)
    stage.post(now)
    assert texts(stage) == before
    stage.load(*session.files[2:4])
    expected = {"compact": 2, "full": 3}
    assert stage.post(ended(session.files[3])).counts["posted"] == expected[styles[1]]


def test_late_file_does_not_change_sent_history(stage: Stage) -> None:
    """A late earlier file does not change a message until it is refreshed."""
    files = [*generate(9, start=START - 30 * DAY, files=24, zone=ZONE, maps=(6, 6), quirks=PLAIN)]
    late, others = files[:12], files[12:]
    stage.load(*others)
    now = ended(others[-1]) + timedelta(hours=3)
    stage.set(digest_after=1000)
    stage.post(now, since=EVERYTHING)
    before = texts(stage)
    stage.load(*late)
    pending = stage.post(now)
    assert pending.counts["edited"] == 0
    assert texts(stage)[: len(before)] == before
    assert refresh(stage, now) > 0
    assert refresh(stage, now) == 0


def test_named_round_2_uses_the_message_of_its_map(stage: Stage, session: GeneratedSession) -> None:
    """The message of the map is also that of the round."""
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    stage.post(now)
    item = thing(stage.conn, "round", "2")
    with publishing(stage.conn, stage.settings, stage.config.timezone, now, limit_seconds=30) as run:
        post_named(stage.conn, stage.settings, run, item, refresh=False)
    assert "was posted already" in " ".join(run.report.lines)
    assert len(stage.discord.posts) == 2


def test_new_team_name_edits_messages(stage: Stage, session: GeneratedSession) -> None:
    """A team name set by an admin is in the messages after the next run."""
    stage.set(session_end_minutes=1440)
    stage.switch_on()
    stage.load(*session.files[:2])
    now = ended(session.files[1])
    stage.post(now)
    with stage.conn.transaction():
        stage.conn.execute(
            "INSERT INTO corrections (kind, subject, value) VALUES ('team_name', %s, '1 @here')",
            [f"main/{session.files[0].name}"],
        )
        refresh_series(stage.conn, [1])
    assert stage.post(now).counts == {"edited": 2}
    assert all("here" in text for text in texts(stage))
    assert stage.discord.pinged == set()


@pytest.mark.parametrize(("players", "posted"), [(2, 2), (4, 3)])
def test_session_of_duels_has_no_summary(stage: Stage, players: int, posted: int) -> None:
    """One against one has posts of rounds and maps; two against two also of sessions."""
    played = generate_session(4, start=START, zone=ZONE, maps=(1, 1), players=players, quirks=PLAIN)
    stage.switch_on()
    stage.load(*played.files)
    assert stage.post(START + DAY).counts == {"posted": posted}
    assert stage.count("changed_sessions") == 0


def test_backlog_is_one_digest(stage: Stage, session: GeneratedSession) -> None:
    """Six pending rounds of three maps: more than three are one message, and none is posted later."""
    stage.set(digest_after=3, session_end_minutes=1440)
    stage.load(*session.files)
    now = START + timedelta(hours=5)
    assert str(stage.post(now, since=EVERYTHING)) == "1 posted"
    assert "6 rounds in one post" in stage.titles[0]
    stage.set(style="full")
    stage.change_all()
    assert str(stage.post(now)) == "nothing to post"


def disguised(file: GeneratedFile, names: Sequence[str], guid: str = "") -> GeneratedFile:
    """Return a file with other player names, and another GUID for the first player."""
    head, *lines = file.content.split(b"\n")
    for number, line in enumerate(lines):
        if line.count(b"\\") >= 4:
            own, _, rest = line.split(b"\\", 2)
            name = names[number % len(names)].replace("\\", "").replace("\n", "").encode()
            lines[number] = b"\\".join([guid.encode() if guid and not number else own, name, rest])
    return GeneratedFile(file.name, b"\n".join([head, *lines]), file.mtime)


@pytest.mark.parametrize("players", [2, 12, 64])
def test_special_names_are_accepted_and_ping_nobody(stage: Stage, players: int) -> None:
    """Pings, links, Markdown, bidi and CJK, with pictures: accepted by Discord, nobody is pinged."""
    stage.set(charts=True)
    played = generate_session(4, start=START, zone=ZONE, maps=(1, 1), players=players, quirks=PLAIN)
    stage.switch_on()
    stage.load(*(disguised(file, HOSTILE) for file in played.files))
    assert stage.post(START + DAY).counts == {"posted": 2 if players == 2 else 3}
    assert stage.discord.pinged == set()


def test_file_with_a_player_without_guid_is_posted(stage: Stage, session: GeneratedSession) -> None:
    """A file with a player without a GUID is posted."""
    stage.switch_on()
    stage.load(*(disguised(file, ["漢字", "👻"], "unknown") for file in session.files[:2]))
    assert stage.post(ended(session.files[1])).counts["posted"] == 2


def test_single_rounds_are_posted_as_maps(stage: Stage, session: GeneratedSession) -> None:
    """A server with single rounds has posts of rounds and sessions, without points."""
    stage.switch_on()
    with stage.conn.transaction():
        stage.conn.execute("UPDATE servers SET stopwatch = false")
    stage.importers.clear()
    stage.load(*session.files[:3])
    assert stage.post(START + DAY).counts["posted"] > 0
    assert not any(re.search(r"(?<!\d)[012]:[012](?!\d)", text) for text in texts(stage))


def test_round_1_shows_the_chance_of_the_other_team(stage: Stage) -> None:
    """The chance uses the ratings and earlier attacks on the map; only after a set time."""
    files = [*generate(5, start=START, files=132, zone=ZONE, maps=(6, 6), quirks=PLAIN, players=6)]
    earlier, last = files[:-12], files[-12:]
    stage.set(digest_after=1000, session_end_minutes=1440)
    stage.load(*earlier)
    stage.switch_on(now=ended(earlier[-1]))
    stage.load(*last)
    stage.post(ended(last[-1]), limit=1000)
    odds = [re.search(r"🎲 .* beats [\d:]+ with a chance of (\d+) %", text) for text in texts(stage)]
    chances = {int(found[1]) for found in odds if found}
    assert chances <= set(range(1, 100))
    assert len(chances) > 1
    assert not any(found for found, text in zip(odds, texts(stage), strict=True) if "Round 1 · " not in text)
    assert not any(
        found for found, text in zip(odds, texts(stage), strict=True) if " held " in text.split("\n")[0]
    )


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        "5",
        "[]",
        '{"shows": "RoundView"}',
        '{"shows": 5, "usual": 5, "bests": 5, "attacks": {}, "badges": {}, "rating_changes": 0, "milestones": 1}',
        "[" * 5_000 + "]" * 5_000,
    ],
    ids=lambda text: text[:20],
)
def test_invalid_stored_history_is_replaced(stage: Stage, session: GeneratedSession, document: str) -> None:
    """A backup may contain any value: the posts are compared with the current history."""
    stage.switch_on()
    stage.load(*session.files)
    stage.post(START + DAY)
    before = texts(stage)
    with stage.conn.transaction():
        stage.conn.execute("UPDATE posts SET history = %s::jsonb, fingerprint = 'another'", [document])
    stage.change_all()
    assert stage.post(START + 2 * DAY).counts["edited"] == len(before)
    assert [text.splitlines()[0] for text in texts(stage)] == [text.splitlines()[0] for text in before]
    with stage.conn.transaction():
        rows = stage.conn.execute("SELECT history FROM posts").fetchall()
    assert all({"shows", "usual", "milestones"} <= history.keys() for (history,) in rows)
