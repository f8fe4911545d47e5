"""Tests of the full posts: content, limits, mentions."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etstats.demo.discord_rules import breaches, complaints, is_empty, pings
from etstats.domain.views import MapRound
from etstats.post.render.layout import TABLE_COLUMNS
from etstats.post.render.message import Embed, EmbedField, Message
from etstats.post.render.pictures import scoreboard
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
from tests.support.hostile_names import hostile

BUILDERS = {
    "round": lambda count: round_message(samples.a_round(count)),
    "map": lambda count: map_message(samples.a_map(count), picture=True),
    "session": lambda count: session_message(samples.a_session(count), picture=True),
    "digest": lambda count: digest_message(samples.a_digest(count)),
}


def texts(message: Message) -> list[str]:
    """Return all texts of a message."""
    (embed,) = message.embeds
    fields = [text for field in embed.fields for text in (field.name, field.value)]
    return [message.content, embed.title, embed.description, embed.author, embed.footer, *fields]


def shown(message: Message) -> str:
    return "\n".join(texts(message))


def tables(message: Message) -> list[list[str]]:
    """Return the lines of each code block."""
    return [field.value.split("\n")[1:-1] for field in message.embeds[0].fields if field.value.startswith("```\n")]


def assert_fits(message: Message) -> None:
    """Assert that Discord accepts it, by its own sizes and by the stand-in's rules."""
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
    """From no players to a full server, with complete table lines that fit a phone."""
    assert_fits(BUILDERS[kind](count))


@pytest.mark.parametrize("kind", BUILDERS)
def test_all_of_32_players_are_in_every_table(kind):
    """A table too long for one field continues in the next; no player is omitted."""
    message = BUILDERS[kind](32)
    text = shown(message)
    assert "… and" not in text
    scoreboard = "\n".join(line for lines in tables(message) for line in lines if re.match(r" ?\d+ ", line))
    assert all(re.search(rf"^ ?{rank} ", scoreboard, re.MULTILINE) for rank in range(1, 33))


def test_omitted_players_are_counted():
    """Above the limit of a message the last line has the number of omitted players."""
    message = round_message(
        samples.a_round(
            players=samples.named(*(f"eveningeveningeveningeveningeveningevening{index}" for index in range(64)))
        )
    )
    assert_fits(message)
    left = [line for lines in tables(message) for line in lines if line.startswith("… and ")]
    assert len(left) == 1
    assert re.fullmatch(r"… and \d+ more", left[0])


@settings(max_examples=60)
@given(st.lists(hostile, min_size=1, max_size=40), hostile, hostile)
def test_hostile_names_fit_and_are_text(names, map_name, server):
    """With any names all limits hold, all blocks are closed, and nobody is pinged."""
    players = samples.named(*names)
    award = samples.an_award(map_name, names[0], server)
    record = samples.a_record(map_name, names[-1])
    milestone = samples.a_milestone(names[0], server)
    for message in (
        round_message(samples.a_round(players=players, map_name=map_name, server=server, filename=map_name,
                                      milestones=(milestone,) * 30)),
        map_message(samples.a_map(players=players, map_name=map_name, server=server,
                                  team_names=(names[0], names[-1]))),
        session_message(samples.a_session(players=players, server=server, awards=(award,) * 30,
                                          records=(record,) * 30, maps=30, team_names=(names[0], names[-1]))),
        digest_message(samples.a_digest()._replace(players=players, maps=((map_name, 2),) * 40, server=server)),
    ):  # fmt: skip
        assert_fits(message)
        assert pings(message.to_payload()) == set()
        assert message.to_payload()["allowed_mentions"] == {"parse": []}
        assert not re.search(r"@(everyone|here|&|!|\d)", shown(message))
        for field in message.embeds[0].fields:
            assert field.value.count("```") in {0, 2}


def test_round_shows_winner_time_and_medals():
    """Winner, time, medals and all columns are shown."""
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
def test_round_shows_its_outcome(changes, says):
    """Completed, held, surrendered and unknown have their texts."""
    assert says in round_message(samples.a_round(4, **changes)).embeds[0].description


def test_unknown_defender_shows_no_roles():
    """Unknown attack and defence are not guessed."""
    fields = round_message(samples.a_round(4, defender_team=0)).embeds[0].fields
    assert [field.name for field in fields[:2]] == ["Allies · 2", "Axis · 2"]


def test_round_1_is_blue_and_round_2_red():
    """The colour depends on the number of the round."""
    colours = [round_message(samples.a_round(2, round_number=number)).embeds[0].colour for number in (1, 2)]
    assert colours == [BLUE, RED]


def test_missing_value_is_a_dash():
    """Files of 2024 have no revives given and no denied playtime."""
    players = tuple(
        one._replace(revives_given=None, denied_playtime=None, accuracy=None) for one in samples.players(2)
    )
    heads, rows = zip(
        *((lines[0], lines[1]) for lines in tables(round_message(samples.a_round(players=players)))), strict=True
    )
    assert "Rvd" in heads[-1]
    assert "Rev " not in heads[-1]
    assert rows[-1].endswith(" -")
    assert " - " in rows[-2]


def test_multikills_are_omitted_if_zero():
    """No line of zeros, no heading without rows."""
    quiet = tuple(one._replace(double_kills=0, triple_kills=0) for one in samples.players(4))
    assert "Multikills" not in shown(round_message(samples.a_round(players=quiet)))
    loud = (*quiet[:3], quiet[3]._replace(quad_kills=2, mega_kills=1))
    assert "**DynaMike** 2x quad · 1x mega" in shown(round_message(samples.a_round(players=loud)))


def test_map_shows_winner_score_times_and_mvp():
    """The map post has both times, the attackers, the score."""
    description = map_message(samples.a_map(4)).embeds[0].description
    assert "**Team A wins 2:0**" in description
    assert "Round 1 · Team A attacks · done in **7:31** of 10:00" in description
    assert "Round 2 · Team B attacks · surrender after **5:00** of 7:31" in description
    assert "⭐ MVP **Anvil** · rating 1.40 · 24/8 · 434 DPM" in description
    assert "**Draw 1:1**" in map_message(samples.a_map(4, winner=0, score=(1, 1))).embeds[0].description
    assert "do not show the winner" in map_message(samples.a_map(4, winner=0, score=None)).embeds[0].description
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
def test_map_shows_the_outcome_of_its_rounds(outcome, changes, says):
    """A full hold and a round with unknown values have their texts."""
    known = MapRound(
        round_id=1,
        winner=0,
        round_number=1,
        attackers=1,
        time_limit_seconds=600,
        actual_time_seconds=600,
        played_seconds=360,
        outcome=outcome,
    )
    summary = samples.a_map(2, rounds=(known._replace(**changes),))
    assert says in map_message(summary).embeds[0].description.split("\n")
    assert scoreboard(summary).startswith(b"\x89PNG")


def test_milestones_are_limited_by_the_content_size():
    """Two thousand characters contain as many complete lines as fit."""
    crowd = tuple(samples.a_milestone(f"p{number}", "_" * 46) for number in range(40))
    message = round_message(samples.a_round(2, milestones=crowd))
    assert_fits(message)
    assert 1850 < len(message.content) <= 2000
    assert all(line.endswith("10,000 kills") for line in message.content.split("\n"))


def test_session_shows_all_sections():
    """Length, score, maps with times, awards, records, milestones are shown."""
    message = session_message(samples.a_session(8), picture=True)
    text = shown(message)
    for part in ("3 h 12 · 16 rounds · 8 maps", "**Team A 8 : 6 Team B**", "**Medic** DynaMike · 23 revives",
                 "**All-time best kills in a round** Anvil · 41 (was 38)", "🎖️ **Anvil** Kills"):  # fmt: skip
        assert part in text
    maps = tables(message)[0]
    assert maps[1].split() == ["supply", "7:31", "7:00", "2:0"]
    assert maps[4].split() == ["te_escape2", "8:22", "-", "-"]
    assert message.attachments == ("session.png",)
    payload: dict[str, Any] = message.to_payload()
    assert payload["embeds"][0]["image"] == {"url": "attachment://session.png"}


def test_only_linked_players_are_mentioned():
    """A linked player's milestone mentions them; an invalid Discord id stays text."""
    asked = samples.a_milestone("Anvil", mention="123456789")
    forged = samples.a_milestone("x", mention="1> @everyone <@&2")
    message = round_message(samples.a_round(2, milestones=(asked, asked, forged)))
    assert message.to_payload()["allowed_mentions"] == {"parse": [], "users": ["123456789"]}
    assert pings(message.to_payload()) == {"123456789"}
    assert "@everyone" not in message.content


def test_ranks_use_sums():
    """A short play with a high rate does not lead; equal sums are sorted by kills, then by deaths."""
    minute = samples.player(1, damage_given=700, dpm=700.0)
    steady = samples.player(2, damage_given=4000, dpm=400.0)
    same = steady._replace(player_guid="FF", kills=steady.kills + 1)
    assert ranking([minute, steady, same]) == [same, steady, minute]


def test_fingerprint_depends_on_shown_values_only():
    """Equal facts give an equal hash in any order of players; a changed number another one."""
    summary = samples.a_round(6)
    message = round_message(summary)
    turned = round_message(summary._replace(players=summary.players[::-1]))
    assert turned.fingerprint() == message.fingerprint()
    assert replace(message, silent=True, thread_name="x").fingerprint() == message.fingerprint()
    changed = summary._replace(players=(summary.players[0]._replace(kills=99), *summary.players[1:]))
    assert round_message(changed).fingerprint() != message.fingerprint()


def test_edit_omits_flags_and_thread():
    """A PATCH omits fields of new messages; a new picture is named in both."""
    message = replace(map_message(samples.a_map(2), picture=True), silent=True, thread_name="session")
    new, edit = message.to_payload(), message.to_payload(edit=True)
    assert (new["flags"], new["thread_name"]) == (4096, "session")
    assert new.keys() - edit.keys() == {"flags", "thread_name"}
    assert new["attachments"] == [{"id": 0, "filename": "scoreboard.png"}]


def test_thread_name_fits():
    """At most 100 characters, with any server name."""
    assert thread_title("Sample server", "2 October 2025") == "2 October 2025 · Sample server"
    assert len(thread_title("@\u0301\u0301" * 300, "x\u0301\u0302" * 99)) <= 100


def test_sizes_are_counted_like_discord():
    """Sizes are counted like Discord: code points, trimmed, summed over all cards."""
    cards = (
        Embed(title=" 🔥 ", colour=0),
        Embed(title="abc", colour=0, fields=(EmbedField(name="n", value="four"),)),
    )
    sizes = {size.what: size.used for size in Message(embeds=cards).sizes()}
    assert (sizes["embeds"], sizes["title"], sizes["field value"], sizes["text of all embeds"]) == (2, 3, 4, 9)


def test_short_session_and_special_times_are_shown():
    """One map, one round, a minute: singular words, no division by zero."""
    one = samples.a_session(2, maps=1, score=None, mvp=None)
    text = shown(
        session_message(one._replace(rounds=one.rounds[:1], ended_at=one.started_at + timedelta(minutes=7)))
    )
    assert "0 h 07 · 1 round · 1 map" in text
    lone = one._replace(maps=(samples.a_result("supply", (), None),))
    assert tables(session_message(lone))[0][1].split() == ["supply", "-", "-", "-"]


def test_edit_omits_the_username() -> None:
    """Discord keeps the username of a message; an edit must not have one."""
    message = replace(round_message(samples.a_round(2)), username="Stats")
    assert message.to_payload()["username"] == "Stats"
    assert "username" not in message.to_payload(edit=True)
    assert message.fingerprint() == replace(message, username=None).fingerprint()
