"""The compact posts: what they tell, that they fit a phone, and that no name breaks them."""

import io
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from etstats.demo.discord_rules import breaches, complaints, is_empty, pings
from etstats.post.render import compact, compact_pictures
from etstats.post.render.facts import NO_HISTORY, AttackRank, History, Milestone, SeriesSummary, UsualPlay
from etstats.post.render.highlights import objective_line, usual_lines, without_tags
from etstats.post.render.message import Message
from etstats.post.render.text import columns
from tests.post.render import samples
from tests.post.render.test_text import hostile
from tests.support.discord_client import find_browser, measure
from tests.support.hostile import HOSTILE

BUILDERS = {
    "round": lambda count: compact.round_post(*samples.tagged_round(count)),
    "map": lambda count: compact.map_post(*samples.tagged_map(count)),
    "map without picture": lambda count: compact.map_post(*samples.tagged_map(count), picture=False),
    "session": lambda count: compact.session_post(*samples.tagged_session(count)),
    "session of two series": lambda count: compact.session_post(*samples.tagged_session(count, series=2)),
}


def table(message: Message) -> list[str]:
    """The lines of the only code block."""
    found = re.findall(r"```\n(.*?)\n```", message.embeds[0].description, re.DOTALL)
    assert len(found) <= 1
    return found[0].split("\n") if found else []


def assert_fits(message: Message) -> None:
    """Discord takes it, pings nobody who did not ask, and no row of the table is wider than a phone."""
    payload = json.loads(json.dumps(message.to_payload()))
    files = dict.fromkeys(message.attachments, b"")
    assert complaints(payload, files) == []
    assert list(breaches(payload, files)) == []
    assert not is_empty(payload, files)
    assert pings(payload) == set()
    assert not re.search(r"@(everyone|here|&|!|\d)", json.dumps(payload, ensure_ascii=False))
    assert message.embeds[0].description.count("```") in {0, 2}
    assert all(columns(line) <= 34 for line in table(message))


@pytest.mark.parametrize("count", [0, 1, 2, 6, 12, 32, 64])
@pytest.mark.parametrize("kind", BUILDERS)
def test_every_number_of_players_fits(kind, count):
    assert_fits(BUILDERS[kind](count))


@given(st.lists(hostile, min_size=1, max_size=20), hostile)
def test_hostile_names_stay_text(names, word):
    """In every place of every post."""
    players = samples.named(*names)
    played = samples.a_session(1).maps
    history = samples.history(players)._replace(badges={player.guid: word for player in players})
    names = {"team_names": (word, word), "tags": (word, word), "milestones": (Milestone(name=word, text=word),)}
    summary = samples.a_round(players=players, map_name=word, server=word, **names)
    assert_fits(compact.round_post(summary, history))
    assert_fits(
        compact.map_post(samples.a_map(players=players, map_name=word, line_up_names=(word, word)), history)
    )
    one = SeriesSummary((word, word), (2, 1), tuple(replace(one, map_name=word) for one in played), word)
    assert_fits(compact.session_post(samples.a_session(players=players, server=word, series=(one, one)), history))


@pytest.mark.parametrize(
    ("changes", "title", "first"),
    [
        ({}, "supply · omega in 7:31", "Round 1 · 2nd fastest of 71"),
        (
            {"outcome": "fullhold", "winner_team": 1, "actual_time_seconds": 600},
            "supply · alpha held 10:00",
            "Round 1 · **omega** attacked",
        ),
        (
            {"outcome": "surrender", "winner_team": 1, "played_seconds": 250},
            "supply · omega gave up",
            "Round 1 · after 4:10 of 10:00",
        ),
        (
            {"outcome": "unknown", "winner_team": 0, "defender_team": 0, "actual_time_seconds": None},
            "supply · no winner in 7:31",
            "Round 1",
        ),
    ],
)
def test_the_title_of_a_round_says_who_won_and_how(changes, title, first):
    summary, history = samples.tagged_round()
    (embed,) = compact.round_post(replace(summary, **changes), history).embeds
    assert (embed.title, embed.description.split("\n")[0]) == (title, first)


def test_a_time_that_is_not_among_the_fastest_says_how_often_it_was_beaten():
    summary, history = samples.tagged_round()
    slow = history._replace(attacks={1: AttackRank(71, 30, 41)})
    (embed,) = compact.round_post(summary, slow).embeds
    assert embed.description.startswith("Round 1 · 41 % of 71 attacks beat 7:31\n")


def test_the_table_of_a_round_lists_the_winners_first_without_their_tag():
    summary, history = samples.tagged_round(6)
    shown = table(compact.round_post(summary, history))
    assert [line.split()[0] for line in shown] == [
        "omega", "Kobold", "jink", "ember_x", "alpha", "Marsh", "Otto", "Quill",
    ]  # fmt: skip
    assert shown[0].split()[1:] == ["K", "D", "G", "Dmg", "DPM", "Acc"]
    assert shown[1].split()[1:] == ["23", "9", "1", "4.0K", "423", "41%"]


def test_history_is_left_out_where_there_is_none():
    """What a correction may change is the same with and without it."""
    summary, history = samples.tagged_round()
    with_history, without = compact.round_post(summary, history), compact.round_post(summary, NO_HISTORY)
    assert "over the usual" in with_history.embeds[0].description
    assert not re.search("usual|personal|fastest", without.embeds[0].description)
    assert table(with_history) == table(without)


def test_a_map_says_how_both_attacks_ended():
    summary, history = samples.tagged_map()
    (embed,) = compact.map_post(summary, history).embeds
    assert embed.title == "🏁 sw\\_goldrush\\_te · alpha 2:0"
    assert embed.description.split("\n")[:3] == [
        "⚔️ **alpha** took it in **7:31** · 2nd fastest of 71",
        "🏳️ **omega** gave up after **5:00**",
        "⭐ **Marsh** 🏆 MVP: most damage (4.1K), most kills (24), best K/D (3.0)",
    ]
    assert embed.image == "scoreboard.png"


def test_a_map_without_a_score_has_no_winner():
    """No stopwatch, or a round that is missing."""
    (embed,) = compact.map_post(samples.a_map(score=None, winner=0, rounds=(), mvp=None)).embeds
    assert embed.title.endswith("no result")


def test_a_session_lists_its_series_with_their_maps():
    summary, history = samples.tagged_session(15, series=2)
    message = compact.session_post(summary, history)
    assert "**alpha 4:2 delta** · ⭐ Marsh\n**alpha 1:7 omega** · ⭐ Kobold" in message.embeds[0].description
    shown = table(message)
    assert [shown[0].split()[:3], shown[5].split()] == [["alpha", "-", "delta"], ["alpha", "-", "omega"]]
    assert shown[2].split() == ["etl_adlernest", "7:48", "held", "1:1"]
    assert shown[3].split() == ["sw_goldrush_te", "held", "(7:22)", "0:2"]


def test_more_maps_than_fit_are_counted():
    assert table(compact.session_post(*samples.tagged_session(6, maps=20)))[-1] == "… and 8 maps more"


def test_only_large_differences_to_a_known_average_are_told():
    """Not one of ten rounds' average, not one below a fifth; at most one player is told to be under it."""
    lines = samples.players(4)
    usual = {
        lines[0].guid: UsualPlay(9, 10, lines[0].dpm),
        lines[1].guid: UsualPlay(50, lines[1].kills - 8, lines[1].dpm),
        lines[2].guid: UsualPlay(50, lines[2].kills + 9, lines[2].dpm),
        lines[3].guid: UsualPlay(50, lines[3].kills + 1, lines[3].dpm),
    }
    assert usual_lines(lines, History(usual=usual), 3) == [
        "📈 **\\[team\\]Bolt** 23 kills, 8 over the usual",
        "📉 **c0pper.** 22 kills, 9 under the usual",
    ]


def test_objectives_name_who_did_most():
    """Nobody is named where several did one each."""
    lines = samples.players(3)
    planted = tuple(replace(line, dynamites_planted=count) for line, count in zip(lines, (2, 0, 1), strict=True))
    assert objective_line(planted) == "💣 3 planted (**Anvil** 2)"
    built = tuple(replace(line, constructions=count) for line, count in zip(lines, (1, 1, None), strict=True))
    assert objective_line(built) == "🔧 2 built"
    assert objective_line(lines) == ""


@pytest.mark.parametrize(
    ("name", "tag", "shown"),
    [
        ("alpha.Marsh", "alpha", "Marsh"),
        ("ALPHA | Marsh", "alpha", "Marsh"),
        ("alpha", "alpha", "alpha"),
        ("Marsh", "alpha", "Marsh"),
    ],
)
def test_a_shared_tag_is_dropped(name, tag, shown):
    """With the colours of the rest; a name that is nothing but the tag stays."""
    line = samples.player(0, name=name, colour_runs=(("#ff0000", name[:3]), ("#00ff00", name[3:])))
    (cut,) = without_tags([line], (tag, ""))
    assert cut.name == "".join(text for _, text in cut.colour_runs) == shown
    assert cut.colour_runs[-1][0] == "#00ff00"


@pytest.mark.parametrize("count", [0, 1, 6, 12, 16, 17, 64])
def test_pictures_of_every_number_of_players(count):
    """They are as wide as the embed wants them, and nothing is drawn over the edges."""
    for png in (
        compact_pictures.map_picture(samples.tagged_map(count)[0]),
        compact_pictures.session_picture(samples.tagged_session(count, series=2)[0]),
    ):
        shown = Image.open(io.BytesIO(png)).convert("RGB")
        assert shown.width == 1080
        for edge in (shown.crop((0, 0, 12, shown.height)), shown.crop((1068, 0, 1080, shown.height))):
            assert edge.getcolors() == [(edge.width * edge.height, (0x12, 0x14, 0x1A))]


def test_pictures_of_hostile_names():
    """No name breaks out of its column; a map without rounds, scores or a form is drawn without them."""
    lines = samples.named(*HOSTILE[:15], "x" * 10_000)
    word = "🔥漢" * 40
    summary = samples.a_map(players=lines, map_name=word, line_up_names=(word, word))
    shown = Image.open(io.BytesIO(compact_pictures.map_picture(summary))).convert("RGB")
    assert shown.crop((1068, 0, 1080, shown.height)).getcolors(1) is not None
    bare = samples.a_session(players=lines, maps=0, score=None, dpm_series=(), mvp=None)
    assert Image.open(io.BytesIO(compact_pictures.session_picture(bare))).width == 1080


@pytest.mark.skipif(find_browser() is None, reason="Chromium is not installed")
def test_posts_keep_their_heights():
    """At 390 pixels a round is at most 520 high, a map 900, a session 1,100, up to 6 against 6; no row wraps."""
    posts = [
        (520, compact.round_post(*samples.tagged_round(12)), b""),
        (900, compact.map_post(*(made := samples.tagged_map(12))), compact_pictures.map_picture(made[0])),
        (900, compact.map_post(*made, picture=False), b""),
        (
            1100,
            compact.session_post(*(made := samples.tagged_session(12))),
            compact_pictures.session_picture(made[0]),
        ),
        (
            1100,
            compact.session_post(*(made := samples.tagged_session(15, series=2))),
            compact_pictures.session_picture(made[0]),
        ),
    ]
    sizes = measure([(post.to_payload(), dict.fromkeys(post.attachments, png)) for _, post, png in posts])
    assert [size.wrapped_rows for size in sizes] == [0] * len(posts)
    assert all(size.height <= most for (most, _, _), size in zip(posts, sizes, strict=True)), sizes
