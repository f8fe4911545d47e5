"""Messages: what they say, that they fit, and that nobody is pinged who did not ask for it."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etstats.demo.discord_rules import breaches, complaints, is_empty, pings
from etstats.post.render.charts import scoreboard_png
from etstats.post.render.facts import AwardLine, BrokenRecord, MapScore, Milestone, RoundResult
from etstats.post.render.layout import TABLE_COLUMNS
from etstats.post.render.message import Embed, EmbedField, Message
from etstats.post.render.sections import ranking
from etstats.post.render.summaries import (
    BLUE,
    RED,
    digest_message,
    map_message,
    round_message,
    session_message,
    thread_title,
)
from etstats.post.render.text import columns
from tests.post.render import samples
from tests.post.render.test_text import hostile

BUILDERS = {
    "round": lambda count: round_message(samples.a_round(count)),
    "map": lambda count: map_message(samples.a_map(count), picture=True),
    "session": lambda count: session_message(samples.a_session(count), picture=True),
    "digest": lambda count: digest_message(samples.a_digest(count)),
}


def texts(message: Message) -> list[str]:
    """Every text of a message."""
    (embed,) = message.embeds
    fields = [text for field in embed.fields for text in (field.name, field.value)]
    return [message.content, embed.title, embed.description, embed.author, embed.footer, *fields]


def shown(message: Message) -> str:
    return "\n".join(texts(message))


def tables(message: Message) -> list[list[str]]:
    """The lines of each code block."""
    return [f.value.split("\n")[1:-1] for f in message.embeds[0].fields if f.value.startswith("```\n")]


def assert_fits(message: Message) -> None:
    """Discord takes it: by its own sizes, and by the stand-in's rules, which know nothing of them."""
    assert all(size.used <= size.limit for size in message.sizes()), message.sizes()
    payload = json.loads(json.dumps(message.to_payload()))
    files = dict.fromkeys(message.attachments, b"")
    assert complaints(payload, files) == []
    assert list(breaches(payload, files)) == []
    assert not is_empty(payload, files)
    for lines in tables(message):
        assert {columns(line) for line in lines if not line.startswith("… and ")} == {columns(lines[0])}
        assert columns(lines[0]) <= TABLE_COLUMNS


@pytest.mark.parametrize("count", [0, 1, 2, 6, 12, 32, 64])
@pytest.mark.parametrize("kind", BUILDERS)
def test_every_number_of_players_fits(kind, count):
    """From nobody to a full server, with tables whose lines are whole and as wide as a phone."""
    assert_fits(BUILDERS[kind](count))


@pytest.mark.parametrize("kind", BUILDERS)
def test_all_of_32_players_are_shown_in_every_table(kind):
    """A table too long for one field goes on in the next; nobody is left out."""
    message = BUILDERS[kind](32)
    text = shown(message)
    assert "… and" not in text
    scoreboard = "\n".join(line for lines in tables(message) for line in lines if re.match(r" ?\d+ ", line))
    assert all(re.search(rf"^ ?{rank} ", scoreboard, re.MULTILINE) for rank in range(1, 33))


def test_who_finds_no_room_is_counted():
    """Past the limit of a message the last line says how many are missing."""
    message = round_message(samples.a_round(players=samples.named(*(f"@@@@@@@@@@@@{i}" for i in range(64)))))
    assert_fits(message)
    left = [line for lines in tables(message) for line in lines if line.startswith("… and ")]
    assert len(left) == 1
    assert re.fullmatch(r"… and \d+ more", left[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(hostile, min_size=1, max_size=40), hostile, hostile)
def test_hostile_names_fit_and_stay_text(names, map_name, server):
    """Whatever the names, every limit holds, every block is closed, and nobody is pinged."""
    players = samples.named(*names)
    award = AwardLine(title=map_name, name=names[0], value=server)
    record = BrokenRecord(title=map_name, name=names[-1], value=server, before=map_name)
    for message in (
        round_message(samples.a_round(players=players, map_name=map_name, server=server, filename=map_name,
                                      milestones=(Milestone(name=names[0], text=server),) * 30)),
        map_message(samples.a_map(players=players, map_name=map_name, server=server, mvp_reason=server,
                                  line_up_names=(names[0], names[-1]))),
        session_message(samples.a_session(players=players, server=server, awards=(award,) * 30,
                                          records=(record,) * 30, maps=30, line_up_names=(names[0], names[-1]))),
        digest_message(replace(samples.a_digest(), players=players, maps=((map_name, 2),) * 40, server=server)),
    ):  # fmt: skip
        assert_fits(message)
        assert pings(message.to_payload()) == set()
        assert message.to_payload()["allowed_mentions"] == {"parse": []}
        assert not re.search(r"@(everyone|here|&|!|\d)", shown(message))
        for field in message.embeds[0].fields:
            assert field.value.count("```") in {0, 2}


def test_a_round_says_what_players_argue_about():
    """Winner, time, medals and every column."""
    message = round_message(samples.a_round(6))
    (embed,) = message.embeds
    assert embed.title == "supply · round 1"
    assert embed.footer == "2025-10-02-232818-supply-round-1.txt"
    assert embed.description.startswith("**Allies** attacked and won in **7:31** of 10:00")
    assert "🥇 **Anvil** 4.1K damage · 24/8 · 434 DPM" in embed.description
    heads = " ".join(lines[0] for lines in tables(message)).split()
    assert {"K", "D", "K/D", "DPM", "Given", "Recv", "Acc", "HS", "Rev", "Gib", "Time", "Dead", "Deny"} <= set(
        heads
    )
    assert [field.name for field in embed.fields[:2]] == ["Allies (attack) · won · 3", "Axis (defence) · 3"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"outcome": "fullhold", "winner_team": 1}, "**Axis** held the full **10:00** · full hold"),
        ({"outcome": "surrender", "winner_team": 1, "played_seconds": 312}, "won by surrender after **5:12**"),
        ({"outcome": "unknown", "winner_team": 0, "actual_time_seconds": None}, "No winner recorded · **7:31**"),
        ({"outcome": "unknown", "winner_team": 2, "played_seconds": None}, "**Allies** won · **7:31** of 10:00"),
        ({"outcome": "completed", "actual_time_seconds": None}, "attacked and won in **-** of 10:00"),
        ({"is_cumulative": True}, "Round 1 of this map is missing"),
    ],
)  # fmt: skip
def test_a_round_tells_how_it_ended(changes, says):
    """Completed, held, surrendered or unknown, each in its words."""
    assert says in round_message(samples.a_round(4, **changes)).embeds[0].description


def test_a_round_whose_defender_is_not_known_tells_no_roles():
    """Neither attack nor defence is guessed."""
    fields = round_message(samples.a_round(4, defender_team=0)).embeds[0].fields
    assert [field.name for field in fields[:2]] == ["Allies · 2", "Axis · 2"]


def test_round_1_is_blue_and_round_2_red():
    """The colour tells the round at a glance."""
    colours = [round_message(samples.a_round(2, round_number=number)).embeds[0].colour for number in (1, 2)]
    assert colours == [BLUE, RED]


def test_what_a_layout_lacks_is_a_dash_and_not_0():
    """Files of 2024 know no revives given and no denied playtime."""
    players = tuple(
        replace(one, revives_given=None, denied_playtime=None, accuracy=None) for one in samples.players(2)
    )
    heads, rows = zip(
        *((lines[0], lines[1]) for lines in tables(round_message(samples.a_round(players=players)))), strict=True
    )
    assert "Rvd" in heads[-1]
    assert "Rev " not in heads[-1]
    assert rows[-1].endswith(" -")
    assert " - " in rows[-2]


def test_multikills_only_where_there_were_any():
    """No line of zeros, no headline over nothing."""
    quiet = tuple(replace(one, double_kills=0, triple_kills=0) for one in samples.players(4))
    assert "Multikills" not in shown(round_message(samples.a_round(players=quiet)))
    loud = (*quiet[:3], replace(quiet[3], quad_kills=2, mega_kills=1))
    assert "**DynaMike** 2x quad · 1x mega" in shown(round_message(samples.a_round(players=loud)))


def test_a_map_names_winner_score_times_and_mvp():
    """Map-complete: both times, who attacked when, the score."""
    description = map_message(samples.a_map(4)).embeds[0].description
    assert "**Team A wins 2:0**" in description
    assert "Round 1 · Team A attacks · done in **7:31** of 10:00" in description
    assert "Round 2 · Team B attacks · surrender after **5:00** of 7:31" in description
    assert "⭐ MVP **Anvil** · 434 DPM, 24 kills, 5 revives" in description
    assert "**Draw 1:1**" in map_message(samples.a_map(4, winner=0, score=(1, 1))).embeds[0].description
    assert "cannot be told" in map_message(samples.a_map(4, winner=0, score=None)).embeds[0].description
    won = map_message(samples.a_map(4, winner=2, score=(0, 2)))
    assert "**Team B wins 2:0**" in won.embeds[0].description
    assert won.embeds[0].fields[0].name.startswith("Team B")


@pytest.mark.parametrize(
    ("outcome", "changes", "says"),
    [
        ("fullhold", {}, "Round 1 · Team A attacks · held for the full **10:00**"),
        ("unknown", {"actual_time_seconds": None, "attackers": 0}, "Round 1 · **6:00** of 10:00"),
    ],
)
def test_a_maps_rounds_tell_how_they_ended(outcome, changes, says):
    """A full hold and a round of which little is known, each in its words."""
    known = RoundResult(
        round_number=1,
        attackers=1,
        time_limit_seconds=600,
        actual_time_seconds=600,
        played_seconds=360,
        outcome=outcome,
    )
    summary = samples.a_map(2, rounds=(replace(known, **changes),))
    assert says in map_message(summary).embeds[0].description.split("\n")
    assert scoreboard_png(summary).startswith(b"\x89PNG")


def test_milestones_stop_where_the_content_is_full():
    """Two thousand characters hold as many whole lines as fit."""
    crowd = tuple(Milestone(name=f"p{number}", text="_" * 60) for number in range(40))
    message = round_message(samples.a_round(2, milestones=crowd))
    assert_fits(message)
    assert 1850 < len(message.content) <= 2000
    assert message.content.endswith("\\_" * 60)


def test_an_mvp_who_is_not_among_the_players_is_left_out():
    """A hidden player is not named through the back door."""
    assert "MVP" not in shown(map_message(samples.a_map(2, mvp="FFFFFFFF")))


def test_an_evening_is_told_whole():
    """Length, score, maps with times, awards, records, milestones."""
    message = session_message(samples.a_session(8), picture=True)
    text = shown(message)
    for part in ("3 h 12 · 16 rounds · 8 maps", "**Team A 8 : 6 Team B**", "**Medic** DynaMike · 23 revives",
                 "**Most kills in a round** Anvil · 41 (was 38)", "🎖️ **Anvil** reached 10,000 kills"):  # fmt: skip
        assert part in text
    maps = tables(message)[0]
    assert maps[1].split() == ["supply", "7:31", "7:00", "2:0"]
    assert maps[4].split() == ["te_escape2", "8:22", "-", "-"]
    assert message.attachments == ("session.png",)
    assert message.to_payload()["embeds"][0]["image"] == {"url": "attachment://session.png"}


def test_only_who_asked_is_pinged_and_only_by_a_number():
    """A linked player's milestone mentions them; a Discord id that is none stays text."""
    asked = Milestone(name="Anvil", text="reached 1,000 kills", mention="123456789")
    forged = Milestone(name="x", text="y", mention="1> @everyone <@&2")
    message = round_message(samples.a_round(2, milestones=(asked, asked, forged)))
    assert message.to_payload()["allowed_mentions"] == {"parse": [], "users": ["123456789"]}
    assert pings(message.to_payload()) == {"123456789"}
    assert "@everyone" not in message.content


def test_ranks_go_by_sums():
    """A minute's play with a high rate does not lead; equal sums fall back to kills, then to fewer deaths."""
    minute = samples.player(1, damage_given=700, dpm=700.0)
    steady = samples.player(2, damage_given=4000, dpm=400.0)
    same = replace(steady, guid="FF", kills=steady.kills + 1)
    assert ranking([minute, steady, same]) == [same, steady, minute]


def test_the_fingerprint_follows_what_is_shown_and_nothing_else():
    """The same facts give the same hash in any order of players; a changed number another one."""
    summary = samples.a_round(6)
    message = round_message(summary)
    turned = round_message(replace(summary, players=summary.players[::-1]))
    assert turned.fingerprint() == message.fingerprint()
    assert replace(message, silent=True, thread_name="x").fingerprint() == message.fingerprint()
    changed = replace(summary, players=(replace(summary.players[0], kills=99), *summary.players[1:]))
    assert round_message(changed).fingerprint() != message.fingerprint()


def test_an_edit_carries_no_flags_and_no_thread():
    """What only a new message may carry is left out of a PATCH; a pending picture is named in both."""
    message = replace(map_message(samples.a_map(2), picture=True), silent=True, thread_name="evening")
    new, edit = message.to_payload(), message.to_payload(edit=True)
    assert (new["flags"], new["thread_name"]) == (4096, "evening")
    assert new.keys() - edit.keys() == {"flags", "thread_name"}
    assert new["attachments"] == [{"id": 0, "filename": "scoreboard.png"}]


def test_a_threads_name_fits():
    """At most 100 characters, whatever the server is called."""
    assert thread_title("Sample server", "2 October 2025") == "2 October 2025 · Sample server"
    assert len(thread_title("@\u0301\u0301" * 300, "x\u0301\u0302" * 99)) <= 100


def test_sizes_measure_the_largest_of_each():
    """The measures are Discord's: code points, trimmed, summed over all cards."""
    cards = (
        Embed(title=" 🔥 ", colour=0),
        Embed(title="abc", colour=0, fields=(EmbedField(name="n", value="four"),)),
    )
    sizes = {size.what: size.used for size in Message(embeds=cards).sizes()}
    assert (sizes["embeds"], sizes["title"], sizes["field value"], sizes["text of all embeds"]) == (2, 3, 4, 9)


def test_a_short_evening_and_odd_times_are_told():
    """One map, one round, a minute: singular words, no division by nothing."""
    one = samples.a_session(2, maps=1, rounds=1, score=None, mvp=None)
    text = shown(session_message(replace(one, ended_at=one.started_at + timedelta(minutes=7))))
    assert "0 h 07 · 1 round · 1 map" in text
    lone = replace(one, maps=(MapScore(map_name="supply", times=(None, None), score=None),))
    assert tables(session_message(lone))[0][1].split() == ["supply", "-", "-", "-"]


def test_a_name_over_the_post_goes_with_a_new_message_only() -> None:
    """Discord keeps the name that a message was posted under; an edit must not carry one."""
    message = replace(round_message(samples.a_round(2)), username="Stats")
    assert message.to_payload()["username"] == "Stats"
    assert "username" not in message.to_payload(edit=True)
    assert message.fingerprint() == replace(message, username=None).fingerprint()
