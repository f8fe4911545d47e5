"""Tests of later changes: messages are edited, never posted again."""

from datetime import timedelta

import pytest

from etstats.admin.correct import NewCorrection, make, undo
from etstats.db import identity
from etstats.demo.generator import GeneratedFile, GeneratedSession, generate, generate_session
from etstats.domain.names import clean_name
from etstats.domain.rules.corrections import CorrectionKind
from etstats.parser.reader import parse
from etstats.post.publish import EVERYTHING
from tests.post.publish.conftest import PLAIN, START, ZONE, Clock, Stage, ended
from tests.post.render.faults import Fault

DAY = timedelta(days=1)


def test_late_round_1_edits_round_2(stage: Stage, session: GeneratedSession) -> None:
    """Round 2 was posted with both rounds; its late round 1 gets a post, and the map."""
    first, second = session.files[:2]
    stage.switch_on()
    stage.load(second)
    now = ended(second) + timedelta(minutes=5)
    stage.post(now)
    before = stage.discord.posts[0].payload["embeds"]
    stage.load(first)
    report = stage.post(now)
    assert (report.counts["posted"], report.counts["edited"]) == (2, 1)
    assert stage.discord.posts[0].edits == 1
    assert stage.discord.posts[0].payload["embeds"] != before
    assert [kind for kind, _ in stage.states()] == ["round", "round", "map"]
    assert str(stage.post(now)) == "nothing to post"


def test_rewritten_file_edits_its_posts(stage: Stage, session: GeneratedSession) -> None:
    """A file that the server wrote again edits the messages of its round and map only."""
    stage.set(session_end_minutes=1440)
    stage.switch_on()
    stage.load(*session.files[:4])
    stage.post(START + timedelta(hours=5))
    stage.load(renamed(session.files[1]))
    assert stage.post(START + timedelta(hours=5)).counts == {"edited": 2}
    assert [post.edits for post in stage.discord.posts] == [0, 1, 1, 0, 0, 0]


def renamed(file: GeneratedFile) -> GeneratedFile:
    """Return the same round, with another name for its first player."""
    head, line, rest = file.content.split(b"\n", 2)
    guid, _, others = line.split(b"\\", 2)
    return GeneratedFile(
        file.name,
        b"\n".join([head, b"\\".join([guid, b"^1A ^2longer ^3name ^4than ^5before", others]), rest]),
        file.mtime + 2,
    )


def test_earlier_file_edits_the_session_summary(stage: Stage, session: GeneratedSession) -> None:
    """A late file that becomes the first of the session edits its summary; no second one is posted."""
    stage.set(kinds=("session",))
    stage.switch_on()
    stage.load(*session.files[2:])
    stage.post(START + DAY)
    stage.load(*session.files[:2])
    assert str(stage.post(START + DAY)) == "1 edited"
    assert len(stage.discord.posts) == 1


def test_earlier_name_of_a_file_posts_nothing(stage: Stage, session: GeneratedSession) -> None:
    """A copy with an earlier name that now counts is not a new round, map or session."""
    stage.switch_on()
    stage.load(*session.files[:2])
    assert stage.post(START + DAY).counts["posted"] == 4
    for file in session.files[:2]:
        minutes = int(file.name[13:15])
        stage.load(
            GeneratedFile(f"{file.name[:13]}{minutes - 1:02}{file.name[15:]}", file.content, file.mtime - 60)
        )
    report = stage.post(START + DAY)
    assert (report.counts["posted"], report.exit_code) == (0, 0)
    assert len(stage.discord.posts) == 4


def test_joined_sessions_edit_both_summaries(stage: Stage) -> None:
    """A late file joins two sessions: the first summary covers both, the second refers to it."""
    long = generate_session(6, start=START, zone=ZONE, maps=(9, 9), quirks=PLAIN)
    times = [ended(file) for file in long.files]
    middle = [
        file
        for file, time in zip(long.files, times, strict=True)
        if times[4] < time < times[4] + timedelta(minutes=62)
    ]
    stage.set(kinds=("session",))
    stage.switch_on()
    stage.load(*(file for file in long.files if file not in middle))
    assert str(stage.post(START + DAY)) == "2 posted"
    stage.load(*middle)
    assert str(stage.post(START + DAY)) == "2 edited"
    assert f"{len(long.files)} rounds" in stage.discord.posts[0].payload["embeds"][0]["description"]
    assert "part of one longer session" in stage.discord.posts[1].payload["embeds"][0]["description"]
    stage.change_all()
    assert str(stage.post(START + DAY)) == "nothing to post"


def test_refused_session_is_posted_once_when_its_start_moves(stage: Stage, session: GeneratedSession) -> None:
    """A late file becomes the first of a session whose post is pending: no pending post remains."""
    stage.set(kinds=("session",))
    stage.switch_on()
    stage.load(*session.files[2:])
    stage.discord.faults = [Fault.NOT_PERMITTED]
    assert stage.post(START + DAY).exit_code == 3
    stage.load(*session.files[:2])
    stage.clock.sleep(3600)
    assert str(stage.post(START + DAY)) == "1 posted"
    assert stage.states() == [("session", "sent")]


def test_late_round_edits_its_digest(stage: Stage, session: GeneratedSession) -> None:
    """A late round of a posted digest is added there, not posted separately."""
    stage.set(digest_after=3, session_end_minutes=1440)
    stage.load(*session.files[:2], *session.files[3:])
    now = START + timedelta(hours=5)
    assert str(stage.post(now, since=EVERYTHING)) == "1 posted"
    stage.load(session.files[2])
    assert str(stage.post(now)) == "1 edited"
    assert "6 rounds in one post" in stage.titles[0]


def test_hidden_player_is_removed_from_posts(stage: Stage, session: GeneratedSession) -> None:
    """Hidden players are not in new posts, and removed from old ones; shown again they return."""
    stage.set(session_end_minutes=1440)
    stage.switch_on()
    stage.load(session.files[0])
    stage.post(ended(session.files[0]))
    everybody = len(session.rounds[0].tallies)
    assert stage.players(0) == everybody
    guid = stage.hide(session.rounds[0])
    stage.load(session.files[1])
    stage.post(ended(session.files[1]))
    assert [stage.players(number) for number in range(3)] == [everybody - 1] * 3
    stage.show(guid)
    assert stage.post(ended(session.files[1])).counts == {"edited": 3}
    assert [stage.players(number) for number in range(3)] == [everybody] * 3


def test_hidden_player_is_removed_from_pictures(stage: Stage, session: GeneratedSession) -> None:
    """Also if only the picture of a message names the player; a run without a change edits nothing."""
    stage.set(kinds=("map", "session"), style="compact", charts=True)
    stage.switch_on()
    stage.load(*session.files[:2])
    stage.post(START + DAY)
    before = [dict(post.files) for post in stage.discord.posts]
    assert [len(files) for files in before] == [1, 1]
    assert str(stage.post(START + DAY)) == "nothing to post"
    text = str([post.payload for post in stage.discord.posts])
    people = [tally.person for tally in session.rounds[0].tallies]
    unnamed = next(person for person in people if clean_name(person.name) not in text)
    with stage.conn.transaction():
        identity.hide(stage.conn, unnamed.guid)
    assert stage.post(START + DAY).counts == {"edited": 2}
    assert all(post.files != files for post, files in zip(stage.discord.posts, before, strict=True))


def test_forgotten_player_is_replaced_in_messages(stage: Stage, session: GeneratedSession) -> None:
    """The next run replaces the name in the messages with the pseudonym."""
    stage.set(kinds=("round",))
    stage.switch_on()
    stage.load(session.files[0])
    stage.post(ended(session.files[0]))
    guid = session.rounds[0].tallies[0].person.guid
    with stage.conn.transaction():
        who = identity.Forgotten(guid_hash="0" * 64, pseudonym_guid="00000001", pseudonym="Forgotten 1")
        assert identity.rename_everywhere(stage.conn, guid, who)
    assert stage.post(ended(session.files[0])).counts == {"edited": 1}
    assert "Forgotten 1" in str(stage.discord.posts[0].payload)


def voided(stage: Stage) -> list[bool]:
    """Return for each message of the channel whether it says that its subject does not count."""
    return ["Voided" in post.payload["embeds"][0].get("description", "") for post in stage.discord.posts]


def test_voided_round_edits_its_messages_until_undone(stage: Stage, session: GeneratedSession) -> None:
    """The messages of round and map say that they do not count, the session excludes them; undo restores all."""
    stage.switch_on()
    stage.load(*session.files[:4])
    stage.post(START + DAY)
    embeds = [post.payload["embeds"] for post in stage.discord.posts]
    assert [kind for kind, _ in stage.states()] == ["round", "round", "map", "round", "round", "map", "session"]
    void = NewCorrection(kind=CorrectionKind.VOID, subject=f"main/{session.files[1].name}", reason="crash")
    number = make(stage.conn, void).correction.id
    assert stage.post(START + DAY).counts["edited"] >= 3
    assert voided(stage) == [False, True, True, False, False, False, False]
    assert stage.discord.posts[6].payload["embeds"] != embeds[6]
    undo(stage.conn, number)
    stage.post(START + DAY)
    assert [post.payload["embeds"] for post in stage.discord.posts] == embeds


def test_voided_round_1_turns_the_map_into_round_2(stage: Stage, session: GeneratedSession) -> None:
    """In compact style the message of round 2 and map becomes one about the round; undo restores it."""
    stage.set(style="compact", session_end_minutes=1440)
    stage.switch_on()
    stage.load(*session.files[:2])
    stage.post(START + timedelta(hours=1))
    embeds = [post.payload["embeds"] for post in stage.discord.posts]
    assert len(embeds) == 2
    number = make(
        stage.conn, NewCorrection(kind=CorrectionKind.VOID, subject=f"main/{session.files[0].name}")
    ).correction.id
    stage.post(START + timedelta(hours=1))
    assert voided(stage) == [True, False]
    assert "Round 2" in stage.discord.posts[1].payload["embeds"][0]["description"]
    assert stage.discord.posts[1].payload["embeds"] != embeds[1]
    undo(stage.conn, number)
    stage.post(START + timedelta(hours=1))
    assert [post.payload["embeds"] for post in stage.discord.posts] == embeds


def test_session_without_counted_rounds_is_edited(stage: Stage, session: GeneratedSession) -> None:
    """Its summary says so, and nothing new is posted; an unposted voided round is never posted."""
    stage.switch_on()
    stage.load(session.files[0])
    stage.post(START + DAY)
    make(stage.conn, NewCorrection(kind=CorrectionKind.EXCLUDE_MAP, subject=map_of(session.files[0])))
    stage.post(START + DAY)
    assert voided(stage) == [True] * len(stage.discord.posts)
    before = len(stage.discord.posts)
    stage.load(session.files[1])
    assert stage.post(START + DAY).counts["posted"] == 0
    assert len(stage.discord.posts) == before


def map_of(file: GeneratedFile) -> str:
    """Return the map in the name of a file."""
    return parse(file.name, file.content).name.map_name


def test_renamed_player_edits_the_messages(stage: Stage, session: GeneratedSession) -> None:
    """Every message with the old name is edited."""
    stage.switch_on()
    stage.load(*session.files[:2])
    stage.post(START + DAY)
    guid = session.rounds[0].tallies[0].person.guid
    make(stage.conn, NewCorrection(kind=CorrectionKind.RENAME, subject=guid, value="Zanzibar"))
    stage.post(START + DAY)
    assert all("Zanzibar" in str(post.payload["embeds"]) for post in stage.discord.posts)


def test_named_team_edits_the_messages(stage: Stage, session: GeneratedSession) -> None:
    """The messages of map and session use the new name."""
    stage.set(style="compact")
    stage.switch_on()
    stage.load(*session.files[:4])
    stage.post(START + DAY)
    for place in (1, 2):
        name = NewCorrection(
            kind=CorrectionKind.TEAM_NAME, subject=f"main/{session.files[0].name}", value=f"{place} Foxes{place}"
        )
        make(stage.conn, name)
    stage.post(START + DAY)
    named = ["Foxes" in str(post.payload["embeds"]) for post in stage.discord.posts]
    assert named.count(True) >= 3


def test_merge_edits_no_old_message(stage: Stage) -> None:
    """Messages older than 7 days before the newest round are not edited, unless all are compared."""
    stage.switch_on()
    files = list(generate(3, start=START, sessions=2, players=6, maps=(1, 1), pause_days=(9, 9), quirks=PLAIN))
    stage.load(*files)
    now = ended(files[-1]) + DAY
    stage.post(now)
    guids = [{player.guid for player in parse(file.name, file.content).players} for file in (files[0], files[-1])]
    make(
        stage.conn,
        NewCorrection(kind=CorrectionKind.RENAME, subject=min(set.intersection(*guids)), value="Zanzibar"),
    )
    before = len(stage.discord.posts)
    stage.post(now)
    named = ["Zanzibar" in str(post.payload["embeds"]) for post in stage.discord.posts]
    assert (named[0], named[-1], len(named)) == (False, True, before)
    stage.change_all()
    stage.post(now)
    assert all("Zanzibar" in str(post.payload["embeds"]) for post in stage.discord.posts)


def test_corrections_use_a_share_of_each_run(stage: Stage, session: GeneratedSession) -> None:
    """Many corrections use a share of each run, until all are done."""
    stage.switch_on()
    stage.load(*session.files)
    stage.post(START + DAY)
    stage.hide(session.rounds[0])
    runs = 0
    while (report := stage.post(START + DAY, limit=4.0)).exit_code:
        assert 0 < report.counts["edited"] <= 5
        stage.clock.sleep(4)
        runs += 1
    assert runs > 0
    assert [post.edits for post in stage.discord.posts] == [1] * 10


class _SlowMachine(Clock):
    """A clock that advances one second per read."""

    def __init__(self, discords: Clock) -> None:
        super().__init__()
        self._discords = discords
        self.now = discords.now

    def __call__(self) -> float:
        self.now += 1
        self._discords.now = self.now
        return self.now


def test_slow_run_still_makes_one_edit(stage: Stage, session: GeneratedSession) -> None:
    """If comparing the session takes all the time, each run still makes one edit."""
    stage.switch_on()
    stage.load(*session.files)
    stage.post(START + DAY)
    stage.hide(session.rounds[0])
    stage.clock = _SlowMachine(stage.clock)
    for _ in range(10):
        assert stage.post(START + DAY, limit=1.0).counts["edited"] == 1
    assert [post.edits for post in stage.discord.posts] == [1] * 10


def test_deleted_message_is_not_edited_again(stage: Stage, session: GeneratedSession) -> None:
    """A deleted message is neither edited repeatedly nor posted again."""
    stage.switch_on()
    stage.load(session.files[1])
    now = ended(session.files[1]) + timedelta(minutes=5)
    stage.post(now)
    stage.discord.delete_message(stage.discord.posts[0].message_id)
    stage.load(session.files[0])
    report = stage.post(now)
    assert (report.exit_code, report.counts["posted"]) == (0, 2)
    requests = len(stage.discord.requests)
    assert str(stage.post(now)) == "nothing to post"
    assert len(stage.discord.requests) == requests


def test_edit_with_a_lost_response_is_repeated(stage: Stage, session: GeneratedSession) -> None:
    """Edits are idempotent, so they do not become unknown."""
    stage.switch_on()
    stage.load(session.files[1])
    now = ended(session.files[1]) + timedelta(minutes=5)
    stage.post(now)
    stage.set(kinds=("round",))
    stage.load(session.files[0])
    stage.discord.faults = [None, *[Fault.DROP_AFTER] * 5]
    assert stage.post(now).exit_code == 75
    stage.clock.sleep(60)
    assert stage.post(now).counts["edited"] == 1
    assert {state for _, state in stage.states()} == {"sent"}


@pytest.mark.parametrize("style", ["compact", "full"])
def test_milestones_mention_linked_players_once(stage: Stage, style: str) -> None:
    """Only linked players with mentions are pinged, once."""
    stage.set(digest_after=100, style=style)
    stage.switch_on()
    stage.load(*generate(3, start=START, zone=ZONE, sessions=2, maps=(3, 3), quirks=PLAIN))
    with stage.conn.transaction():
        most = "SELECT player_guid FROM player_comprehensive_stats GROUP BY 1 HAVING count(*) = 12 ORDER BY 1"
        first, second, *_ = (row[0] for row in stage.conn.execute(most))
        identity.link(stage.conn, first, 111, wants_mention=True)
        identity.link(stage.conn, second, 222, wants_mention=False)
    stage.post(START + 9 * DAY, limit=600)
    texts = [
        post.payload["content"] + "\n" + post.payload["embeds"][0].get("description", "")
        for post in stage.discord.posts
    ]
    lines = [line for text in texts for line in text.splitlines()]
    veterans = [line for line in lines if "Veteran: 10 rounds" in line.replace("\\", "")]
    assert stage.discord.pinged == {"111"}
    assert len([line for line in veterans if "<@111>" in line]) == 1
    assert len(veterans) > 2
    assert not any("<@222>" in line for line in lines)


def test_edit_limit_does_not_hold_posts(stage: Stage, session: GeneratedSession) -> None:
    """Discord limits edits of old messages (429, code 30046): new posts are sent, in this run and the next."""
    stage.set(kinds=("round",), session_end_minutes=1440)
    stage.switch_on()
    stage.load(*session.files[:3])
    assert stage.post(ended(session.files[2])).counts["posted"] == 3
    stage.hide(session.rounds[0])
    seen = len(stage.discord.requests)
    stage.discord.faults = [Fault.OLD_EDITS_LIMIT]
    limited = stage.post(ended(session.files[2]))
    assert (limited.counts, limited.is_unfinished) == ({}, True)
    assert len(stage.discord.unseen) == 1
    assert len(stage.discord.requests) == seen
    stage.load(session.files[3])
    assert stage.post(ended(session.files[3])).counts == {"posted": 1}
    assert stage.clock.now - stage.began < 60
    stage.clock.sleep(2400)
    assert stage.post(ended(session.files[3])).counts == {"edited": 3}
