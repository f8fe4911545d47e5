"""Tests of the compact posts: content, height on a phone, hostile names."""

import io
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from etstats.demo.discord_rules import breaches, complaints, is_empty, pings
from etstats.domain.history import (
    NO_HISTORY,
    AttackRank,
    History,
    PersonalBest,
    ReachedStep,
    TeamRatingChange,
    UsualPlay,
)
from etstats.domain.names import clean_name, colour_runs
from etstats.domain.views import SeriesRow
from etstats.post.render import compact, compact_pictures
from etstats.post.render.highlights import objective_line, usual_lines
from etstats.post.render.message import Message
from etstats.post.render.text import columns
from etstats.stats.teams import without_tags
from tests.post.render import samples
from tests.support.discord_client import find_browser, measure
from tests.support.hostile import HOSTILE
from tests.support.hostile_names import hostile

BUILDERS = {
    "round": lambda count: compact.round_post(*samples.tagged_round(count)),
    "map": lambda count: compact.map_post(*samples.tagged_map(count)),
    "map without picture": lambda count: compact.map_post(*samples.tagged_map(count), picture=False),
    "session": lambda count: compact.session_post(*samples.tagged_session(count)),
    "session of two series": lambda count: compact.session_post(*samples.tagged_session(count, series=2)),
}


def table(message: Message) -> list[str]:
    """Return the lines of the only code block."""
    found = re.findall(r"```\n(.*?)\n```", message.embeds[0].description, re.DOTALL)
    assert len(found) <= 1
    return found[0].split("\n") if found else []


def assert_fits(message: Message) -> None:
    """Assert that Discord accepts it, only opted-in players are pinged, and no table row is too wide."""
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
def test_hostile_names_are_text(names, word):
    """Hostile names everywhere in every post."""
    players = samples.named(*names)
    played = samples.a_session(1).maps
    history = samples.history(players)._replace(badges={player.player_guid: word for player in players})
    history = history._replace(milestones=(ReachedStep(players[0].player_guid, word, None),))
    summary = samples.a_round(players=players, map_name=word, server=word, team_names=(word, word))
    assert_fits(compact.round_post(summary, history))
    assert_fits(compact.map_post(samples.a_map(players=players, map_name=word, team_names=(word, word)), history))
    maps = tuple(replace(one, map_name=word, series=1) for one in played)
    one = SeriesRow(1, word, word, (2, 1), 1, (), samples.mvp_of(players[0]._replace(clean_name=word)))
    session = samples.a_session(players=players, server=word, series=(one, one))._replace(maps=maps)
    assert_fits(compact.session_post(session, history))


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
def test_round_title_shows_winner_and_outcome(changes, title, first):
    summary, history = samples.tagged_round()
    (embed,) = compact.round_post(summary._replace(round=summary.round._replace(**changes)), history).embeds
    assert (embed.title, embed.description.split("\n")[0]) == (title, first)


def test_slower_time_shows_how_often_it_was_beaten():
    summary, history = samples.tagged_round()
    slow = history._replace(attacks={1: AttackRank(71, 30, 41)})
    (embed,) = compact.round_post(summary, slow).embeds
    assert embed.description.startswith("Round 1 · 41 % of 71 attacks beat 7:31\n")


def test_round_table_lists_winners_first_without_tag():
    summary, history = samples.tagged_round(6)
    shown = table(compact.round_post(summary, history))
    assert [line.split()[0] for line in shown] == [
        "omega", "Kobold", "jink", "ember_x", "alpha", "Marsh", "Otto", "Quill",
    ]  # fmt: skip
    assert shown[0].split()[1:] == ["K", "D", "G", "Dmg", "DPM", "Acc"]
    assert shown[1].split()[1:] == ["23", "9", "1", "4.0K", "423", "41%"]


def test_missing_history_is_omitted():
    """The fingerprint does not depend on the history."""
    summary, history = samples.tagged_round()
    with_history, without = compact.round_post(summary, history), compact.round_post(summary, NO_HISTORY)
    assert "over the usual" in with_history.embeds[0].description
    assert not re.search("usual|personal|fastest", without.embeds[0].description)
    assert table(with_history) == table(without)


def test_map_shows_both_attacks():
    summary, history = samples.tagged_map()
    (embed,) = compact.map_post(summary, history).embeds
    assert embed.title == "🏁 sw\\_goldrush\\_te · alpha 2:0"
    assert embed.description.split("\n")[:3] == [
        "⚔️ **alpha** took it in **7:31** · 2nd fastest of 71",
        "🏳️ **omega** gave up after **5:00**",
        "⭐ **Marsh** 🏆 MVP: most damage (4.1K), most kills (24), best K/D (3.0)",
    ]
    assert embed.image == "scoreboard.png"


def test_map_without_score_has_no_winner():
    """No stopwatch, or a round that is missing."""
    (embed,) = compact.map_post(samples.a_map(score=None, winner=0, rounds=(), mvp=None)).embeds
    assert embed.title.endswith("no result")


def test_session_lists_series_with_maps():
    summary, history = samples.tagged_session(15, series=2)
    message = compact.session_post(summary, history)
    assert "**alpha 4:2 delta** · ⭐ Marsh\n**alpha 1:7 omega** · ⭐ Kobold" in message.embeds[0].description
    shown = table(message)
    assert (shown[0].split(), shown[1], shown[6]) == (["Map", "R1", "R2"], "alpha - delta", "alpha - omega")
    assert shown[3].split() == ["etl_adlernest", "7:48", "held", "1:1"]
    assert shown[4].split() == ["sw_goldrush_te", "held", "(7:22)", "0:2"]


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["jink"], "🏅 Medic: **jink** 9 revives"),
        (["jink", "Kobold"], "🏅 Medic: **jink**, **Kobold** 9 revives"),
        (["jink", "Kobold", "pliers"], "🏅 Medic: 3 players 9 revives"),
    ],
)
def test_tied_players_share_an_award(names, line):
    awards = tuple(samples.an_award("Medic", name, "9 revives") for name in names)
    (embed,) = compact.session_post(samples.a_session(4, awards=awards)).embeds
    assert [shown for shown in embed.description.split("\n") if "Medic" in shown] == [line]


def test_omitted_maps_are_counted():
    assert table(compact.session_post(*samples.tagged_session(6, maps=20)))[-1] == "… and 8 maps more"


def test_only_large_differences_to_an_average_are_shown():
    """Not below ten rounds or a difference of 20 %; at most one negative difference."""
    lines = samples.players(4)
    differences = ((9, -10), (50, -8), (50, 9), (50, 1))
    usual = {
        line.player_guid: UsualPlay(rounds, 60 * (line.kills + more) / line.time_played_seconds, line.dpm)
        for line, (rounds, more) in zip(lines, differences, strict=True)
    }
    assert usual_lines(lines, History(usual=usual)) == [
        "📈 **\\[team\\]Bolt** 23 kills, 8 over the usual",
        "📉 **c0pper.** 22 kills, 9 under the usual",
    ]


@pytest.mark.parametrize(
    ("minutes", "expected"), [(12, []), (6, ["12 kills, 6 over"]), (24, ["12 kills, 12 under"])]
)
def test_kills_are_compared_by_time_played(minutes, expected):
    """A short or long round is compared with the average for the time played."""
    line = samples.player(0, kills=12, dpm=300.0, time_played_seconds=60 * minutes)
    found = usual_lines([line], History(usual={line.player_guid: UsualPlay(50, 1.0, 300.0)}))
    assert [re.findall(r"\d+ kills, \d+ \w+", text) for text in found] == [[words] for words in expected]


def test_personal_best_is_shown_once():
    line = samples.players(1)[0]
    best = PersonalBest(line.player_guid, "24 kills", "19")
    history = History(usual={line.player_guid: UsualPlay(50, 0.1, 50.0)}, bests=(best,))
    assert usual_lines([line], history) == []
    assert usual_lines([line], history._replace(bests=())) != []


def test_chance_to_beat_the_set_time_is_shown():
    """After a successful attack in round 1, with enough earlier attacks on the map."""
    summary, history = samples.tagged_round()
    odds = "🎲 **alpha** beats 7:31 with a chance of 9 %"
    assert odds in compact.round_post(summary, history).embeds[0].description
    few = history._replace(attacks={1: AttackRank(9, 2, 3, 9.1)})
    second = summary._replace(round=summary.round._replace(round_number=2))
    for other in (compact.round_post(summary, few), compact.round_post(second, history)):
        assert "chance" not in other.embeds[0].description


@pytest.mark.parametrize(
    ("winner", "line"),
    [
        (1, "alpha\u00a0+12 (34 % to win), omega\u00a0-12"),
        (2, "omega\u00a0-12 (66 % to win), alpha\u00a0+12"),
        (0, "alpha\u00a0+12, omega\u00a0-12"),
    ],
)
def test_map_shows_the_expected_result(winner, line):
    view, history = samples.tagged_map()
    (embed,) = compact.map_post(view._replace(map=replace(view.map, winner=winner)), history).embeds
    assert f"📊 Rating: {line}" in embed.description.split("\n")


def test_tiny_rating_change_has_no_sign():
    view, history = samples.tagged_map()
    history = history._replace(rating_changes=(TeamRatingChange(-0.4, None), TeamRatingChange(0.4, None)))
    assert "📊 Rating: alpha\u00a0±0, omega\u00a0±0" in compact.map_post(view, history).embeds[0].description


@pytest.mark.parametrize(
    ("alpha", "omega", "expected"),
    [
        ([600, 600], [600, 600], None),
        ([600, 600], [600, 490], None),  # less than a fifth of a player
        ([600, 600], [600, 600, 600], "👥 **alpha** played 2 against 3"),
        ([600, 600, 600], [600], "👥 **omega** played 1 against 3"),
        ([600, 600], [600, 200], "👥 **omega** one short for 6:40 (**jink**)"),
        ([600, 300, 300], [600, 600], None),  # a substitute
        ([600, 300, 450], [600, 600, 600], "👥 **alpha** one short for 7:30 (**Otto**)"),
        ([600], [], None),
        ([0], [0, 0], None),
    ],
)
def test_smaller_team_is_named(alpha, omega, expected):
    """A team with one player fewer is named in the posts of round and map, unless a player is hidden."""
    times = {1: alpha, 2: omega}
    lines = tuple(
        line._replace(time_played_seconds=times[line.team][number // 2])
        for number, line in enumerate(samples.tagged(samples.players(6)))
        if number // 2 < len(times[line.team])
    )
    round_ = samples.tagged_round()[0]._replace(players=lines)
    map_ = samples.tagged_map()[0]._replace(players=lines)
    for message in (compact.round_post(round_), compact.map_post(map_)):
        shown = [line for line in message.embeds[0].description.split("\n") if line.startswith("👥")]
        assert shown == ([expected] if expected else [])
    cumulative = round_._replace(round=round_.round._replace(is_cumulative=True))
    for message in (
        compact.round_post(cumulative),
        compact.round_post(round_._replace(hidden=1)),
        compact.map_post(map_._replace(hidden=1)),
    ):
        assert "👥" not in message.embeds[0].description


def test_objectives_name_the_best_player():
    """No player is named if several did one each."""
    lines = samples.players(3)
    planted = tuple(line._replace(dynamites_planted=count) for line, count in zip(lines, (2, 0, 1), strict=True))
    assert objective_line(planted) == "💣 3 planted (**Anvil** 2)"
    built = tuple(line._replace(constructions=count) for line, count in zip(lines, (1, 1, None), strict=True))
    assert objective_line(built) == "🔧 2 built"
    assert objective_line(lines) == ""


@pytest.mark.parametrize(
    ("name", "tag", "shown"),
    [
        ("alpha.Marsh", "alpha", "Marsh"),
        ("ALPHA | Marsh", "alpha", "Marsh"),
        (".alpha.Marsh.", "alpha", "Marsh"),
        ("Marsh [alpha]", "alpha", "Marsh"),
        ("alpha", "alpha", "alpha"),
        ("Marsh", "alpha", "Marsh"),
    ],
)
def test_shared_tag_is_removed(name, tag, shown):
    """The rest of the name keeps its colours; a name that is only the tag is unchanged."""
    line = samples.player(0, clean_name=name, player_name=f"^1{name[:3]}^2{name[3:]}")
    (cut,) = without_tags([line], (tag, ""))
    assert cut.clean_name == clean_name(cut.player_name) == shown
    assert {colour for colour, _ in colour_runs(cut.player_name)} <= {"#ff0000", "#00ff00"}


@pytest.mark.parametrize("count", [0, 1, 6, 12, 16, 17, 64])
def test_pictures_fit_every_number_of_players(count):
    """The pictures have the width of the embed, and nothing is drawn outside the edges."""
    for png in (
        compact_pictures.map_picture(samples.tagged_map(count)[0]),
        compact_pictures.session_picture(samples.tagged_session(count, series=2)[0]),
    ):
        shown = Image.open(io.BytesIO(png)).convert("RGB")
        assert shown.width == 1080
        for edge in (shown.crop((0, 0, 12, shown.height)), shown.crop((1068, 0, 1080, shown.height))):
            assert edge.getcolors() == [(edge.width * edge.height, (0x12, 0x14, 0x1A))]


def test_pictures_fit_hostile_names():
    """No name leaves its column; maps without rounds, scores or form are drawn without them."""
    lines = samples.named(*HOSTILE[:15], "x" * 10_000)
    word = "🔥漢" * 40
    summary = samples.a_map(players=lines, map_name=word, team_names=(word, word))
    shown = Image.open(io.BytesIO(compact_pictures.map_picture(summary))).convert("RGB")
    assert shown.crop((1068, 0, 1080, shown.height)).getcolors(1) is not None
    bare = samples.a_session(players=lines, maps=0, score=None, dpm_series=(), mvp=None)
    assert Image.open(io.BytesIO(compact_pictures.session_picture(bare))).width == 1080


@pytest.mark.skipif(find_browser() is None, reason="Chromium is not installed")
def test_posts_stay_below_their_height_limits():
    """At 390 pixels a round is at most 520 high, a map 900, a session 1,100, up to 6 against 6."""
    summary, history = samples.tagged_round(12)
    wide = summary._replace(
        round=summary.round._replace(map_name="sw_goldrush_te"),
        team_names=("Team quartermaster", "Team lamplighter"),
    )
    map_ = samples.tagged_map(12)
    sessions = (samples.tagged_session(12), samples.tagged_session(15, series=2))
    posts = [
        (520, compact.round_post(summary, history), b""),
        (520, compact.round_post(wide, history), b""),
        (900, compact.map_post(*map_), compact_pictures.map_picture(map_[0])),
        (900, compact.map_post(*map_, picture=False), b""),
        *((1100, compact.session_post(*one), compact_pictures.session_picture(one[0])) for one in sessions),
    ]
    sizes = measure([(post.to_payload(), dict.fromkeys(post.attachments, png)) for _, post, png in posts])
    assert [size.wrapped_rows for size in sizes] == [0] * len(posts)
    assert all(size.height <= most for (most, _, _), size in zip(posts, sizes, strict=True)), sizes
