"""What changes afterwards: messages are edited where they stand, never posted again."""

from datetime import timedelta

from etstats.db import identity
from etstats.demo.generator import GeneratedFile, GeneratedSession, generate, generate_evening
from etstats.post.publish import EVERYTHING
from tests.post.publish.conftest import PLAIN, START, ZONE, Clock, Stage, ended
from tests.post.render.faults import Fault

DAY = timedelta(days=1)


def test_a_late_first_round_edits_the_second(stage: Stage, evening: GeneratedSession) -> None:
    """Round 2 stood there as both rounds together; its late round 1 makes it a round of its own, and a map."""
    first, second = evening.files[:2]
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


def test_a_rewritten_file_edits_its_posts(stage: Stage, evening: GeneratedSession) -> None:
    """A file that the server wrote anew changes the round's message and the map's, and no other."""
    stage.set(session_end_minutes=1440)
    stage.switch_on()
    stage.load(*evening.files[:4])
    stage.post(START + timedelta(hours=5))
    stage.load(renamed(evening.files[1]))
    assert stage.post(START + timedelta(hours=5)).counts == {"edited": 2}
    assert [post.edits for post in stage.discord.posts] == [0, 1, 1, 0, 0, 0]


def renamed(file: GeneratedFile) -> GeneratedFile:
    """The same round, with another name for its first player."""
    head, line, rest = file.content.split(b"\n", 2)
    guid, _, others = line.split(b"\\", 2)
    return GeneratedFile(
        file.name,
        b"\n".join([head, b"\\".join([guid, b"^1A ^2longer ^3name ^4than ^5before", others]), rest]),
        file.mtime + 2,
    )


def test_a_file_before_the_first_of_a_told_evening(stage: Stage, evening: GeneratedSession) -> None:
    """A late file that becomes the session's first one edits its summary; there is no second one."""
    stage.set(kinds=("session",))
    stage.switch_on()
    stage.load(*evening.files[2:])
    stage.post(START + DAY)
    stage.load(*evening.files[:2])
    assert str(stage.post(START + DAY)) == "1 edited"
    assert len(stage.discord.posts) == 1


def test_the_same_file_under_an_earlier_name(stage: Stage, evening: GeneratedSession) -> None:
    """A copy whose earlier name counts from now on is no new round, no new map and no new session."""
    stage.switch_on()
    stage.load(*evening.files[:2])
    assert stage.post(START + DAY).counts["posted"] == 4
    for file in evening.files[:2]:
        minutes = int(file.name[13:15])
        stage.load(
            GeneratedFile(f"{file.name[:13]}{minutes - 1:02}{file.name[15:]}", file.content, file.mtime - 60)
        )
    report = stage.post(START + DAY)
    assert (report.counts["posted"], report.exit_code) == (0, 0)
    assert len(stage.discord.posts) == 4


def test_two_told_evenings_that_become_one(stage: Stage) -> None:
    """A late file closes the gap between two sessions: the first summary tells both, the second points there."""
    long = generate_evening(6, start=START, zone=ZONE, maps=(9, 9), quirks=PLAIN)
    times = [ended(file) for file in long.files]
    middle = [f for f, t in zip(long.files, times, strict=True) if times[4] < t < times[4] + timedelta(minutes=62)]
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


def test_a_late_round_of_a_digest_edits_it(stage: Stage, evening: GeneratedSession) -> None:
    """A round that belongs to a posted digest is counted there, and not posted next to it."""
    stage.set(digest_after=3, session_end_minutes=1440)
    stage.load(*evening.files[:2], *evening.files[3:])
    now = START + timedelta(hours=5)
    assert str(stage.post(now, since=EVERYTHING)) == "1 posted"
    stage.load(evening.files[2])
    assert str(stage.post(now)) == "1 edited"
    assert "6 rounds in one post" in stage.titles[0]


def test_a_hidden_player_is_taken_off(stage: Stage, evening: GeneratedSession) -> None:
    """Hidden players stay off new posts, and go from old ones with the next run; shown again they are back."""
    stage.set(session_end_minutes=1440)
    stage.switch_on()
    stage.load(evening.files[0])
    stage.post(ended(evening.files[0]))
    everybody = len(evening.rounds[0].tallies)
    assert stage.players(0) == everybody
    guid = stage.hide(evening.rounds[0])
    stage.load(evening.files[1])
    stage.post(ended(evening.files[1]))
    assert [stage.players(number) for number in range(3)] == [everybody - 1] * 3
    stage.show(guid)
    assert stage.post(ended(evening.files[1])).counts == {"edited": 3}
    assert [stage.players(number) for number in range(3)] == [everybody] * 3


def test_a_forgotten_player_goes_from_the_messages(stage: Stage, evening: GeneratedSession) -> None:
    """The pseudonym takes the place of the name in what stands in Discord, with the next run."""
    stage.set(kinds=("round",))
    stage.switch_on()
    stage.load(evening.files[0])
    stage.post(ended(evening.files[0]))
    guid = evening.rounds[0].tallies[0].person.guid
    with stage.conn.transaction():
        who = identity.Forgotten(guid_hash="0" * 64, pseudonym_guid="00000001", pseudonym="Forgotten 1")
        assert identity.rename_everywhere(stage.conn, guid, who)
    assert stage.post(ended(evening.files[0])).counts == {"edited": 1}
    assert "Forgotten 1" in str(stage.discord.posts[0].payload)


def test_corrections_leave_time_for_news(stage: Stage, evening: GeneratedSession) -> None:
    """A long history to be corrected takes a part of each run, until all of it is done."""
    stage.switch_on()
    stage.load(*evening.files)
    stage.post(START + DAY)
    stage.hide(evening.rounds[0])
    runs = 0
    while (report := stage.post(START + DAY, limit=4.0)).exit_code:
        assert 0 < report.counts["edited"] <= 5
        stage.clock.sleep(4)
        runs += 1
    assert runs > 0
    assert [post.edits for post in stage.discord.posts] == [1] * 10


class _SlowMachine(Clock):
    """Each look at the clock finds it a second on."""

    def __init__(self, discords: Clock) -> None:
        super().__init__()
        self._discords = discords
        self.now = discords.now

    def __call__(self) -> float:
        self.now += 1
        self._discords.now = self.now
        return self.now


def test_every_run_comes_further_however_slow(stage: Stage, evening: GeneratedSession) -> None:
    """Where looking at the session takes all the time, each run makes one edit, until all are made."""
    stage.switch_on()
    stage.load(*evening.files)
    stage.post(START + DAY)
    stage.hide(evening.rounds[0])
    stage.clock = _SlowMachine(stage.clock)
    for _ in range(10):
        assert stage.post(START + DAY, limit=1.0).counts["edited"] == 1
    assert [post.edits for post in stage.discord.posts] == [1] * 10


def test_a_deleted_message_is_left_alone(stage: Stage, evening: GeneratedSession) -> None:
    """A message that a moderator deleted is neither edited for ever nor posted again."""
    stage.switch_on()
    stage.load(evening.files[1])
    now = ended(evening.files[1]) + timedelta(minutes=5)
    stage.post(now)
    stage.discord.delete_message(stage.discord.posts[0].message_id)
    stage.load(evening.files[0])
    report = stage.post(now)
    assert (report.exit_code, report.counts["posted"]) == (0, 2)
    requests = len(stage.discord.requests)
    assert str(stage.post(now)) == "nothing to post"
    assert len(stage.discord.requests) == requests


def test_an_edit_whose_answer_was_lost_is_made_again(stage: Stage, evening: GeneratedSession) -> None:
    """Editing twice does no harm, so nothing becomes unknown by it."""
    stage.switch_on()
    stage.load(evening.files[1])
    now = ended(evening.files[1]) + timedelta(minutes=5)
    stage.post(now)
    stage.set(kinds=("round",))
    stage.load(evening.files[0])
    stage.discord.faults = [None, *[Fault.DROP_AFTER] * 5]
    assert stage.post(now).exit_code == 75
    stage.clock.sleep(60)
    assert stage.post(now).counts["edited"] == 1
    assert {state for _, state in stage.states()} == {"sent"}


def test_milestones_mention_who_asked_for_it(stage: Stage) -> None:
    """Only a linked player who wants it is pinged, once; everybody else is a name."""
    stage.set(digest_after=100)
    stage.switch_on()
    stage.load(*generate(3, start=START, zone=ZONE, evenings=2, maps=(3, 3), quirks=PLAIN))
    with stage.conn.transaction():
        most = "SELECT player_guid FROM player_comprehensive_stats GROUP BY 1 HAVING count(*) = 12 ORDER BY 1"
        first, second, *_ = (row[0] for row in stage.conn.execute(most))
        identity.link(stage.conn, first, 111, wants_mention=True)
        identity.link(stage.conn, second, 222, wants_mention=False)
    stage.post(START + 9 * DAY, limit=600)
    told = [line for post in stage.discord.posts for line in post.payload["content"].splitlines()]
    veterans = [line for line in told if "Veteran: 10 rounds" in line.replace("\\", "")]
    assert stage.discord.pinged == {"111"}
    assert len([line for line in veterans if "<@111>" in line]) == 1
    assert len(veterans) > 2
    assert not any("222" in line for line in told)


def test_a_limit_of_edits_holds_no_post(stage: Stage, evening: GeneratedSession) -> None:
    """Discord limits edits of old messages (429, code 30046): new posts go out, in this run and in the next."""
    stage.set(kinds=("round",), session_end_minutes=1440)
    stage.switch_on()
    stage.load(*evening.files[:3])
    assert stage.post(ended(evening.files[2])).counts["posted"] == 3
    stage.hide(evening.rounds[0])
    seen = len(stage.discord.requests)
    stage.discord.faults = [Fault.OLD_EDITS_LIMIT]
    limited = stage.post(ended(evening.files[2]))
    assert (limited.counts, limited.is_unfinished) == ({}, True)
    assert len(stage.discord.unseen) == 1
    assert len(stage.discord.requests) == seen
    stage.load(evening.files[3])
    stage.discord.faults = [None, Fault.OLD_EDITS_LIMIT]
    assert stage.post(ended(evening.files[3])).counts == {"posted": 1}
    assert stage.clock.now - stage.began < 60
    assert stage.post(ended(evening.files[3])).counts == {"edited": 3}
