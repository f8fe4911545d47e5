"""Tests of MVP, awards, achievements and records against numbers computed by hand."""

import pytest

from etstats.domain.rules import achievements, awards, mvp, records
from etstats.domain.stats import Career, Performance, ScoreLine


def performance(guid: str, team: int = 1, seconds: int = 600, **numbers: int) -> Performance:
    """Return one round of one player; other values are 0."""
    values = dict.fromkeys(
        ("kills", "deaths", "damage_given", "team_damage_given", "kill_assists", "revives_given", "objectives"), 0
    )
    return Performance(
        round_id=1, player_guid=guid, team=team, time_played_seconds=seconds, dpm=0.0, **{**values, **numbers}
    )


def score_line(guid: str, **numbers: object) -> ScoreLine:
    """Return a row of a scoreboard; other values are 0."""
    values: dict[str, object] = dict.fromkeys(ScoreLine._fields, 0)
    values |= {"player_guid": guid, "player_name": guid, "clean_name": guid, "is_hidden": False}
    values |= {"time_played_seconds": 3600, **numbers}
    return ScoreLine(**values)  # type: ignore[arg-type]


def career(guid: str, **numbers: float) -> Career:
    """Return a career; other values are 0."""
    return Career(**{**dict.fromkeys(Career._fields, 0), "player_guid": guid, **numbers})  # type: ignore[arg-type]


def test_equal_players_are_rated_1() -> None:
    """1 is the average, for any numbers."""
    same = {"kills": 7, "deaths": 3, "damage_given": 900, "kill_assists": 2, "revives_given": 1, "objectives": 1}
    ratings = mvp.round_ratings([performance(given, **same) for given in "abc"])
    assert ratings == pytest.approx({"a": 1.0, "b": 1.0, "c": 1.0})
    idle = mvp.round_ratings([performance(given) for given in "abc"])
    assert idle == pytest.approx({"a": 1.0, "b": 1.0, "c": 1.0})


def test_rating_is_the_weighted_sum_of_its_parts() -> None:
    """Computed by hand: kills 8 of 5 on average, damage 600 of 500, 2 deaths of 3, other parts 0."""
    ratings = mvp.round_ratings(
        [
            performance("a", kills=8, deaths=2, damage_given=700, team_damage_given=100),
            performance("b", team=2, kills=2, deaths=4, damage_given=400),
        ]
    )
    assert ratings["a"] == pytest.approx(0.30 * 8 / 5 + 0.30 * 600 / 500 + 0.15 * 6 / 5 + 0.15 + 0.10)
    assert ratings["b"] == pytest.approx(0.30 * 2 / 5 + 0.30 * 400 / 500 + 0.15 * 6 / 7 + 0.15 + 0.10)


def test_rare_action_counts_at_most_three_times_the_average() -> None:
    """The only dynamite of a round of twelve is twelve times the average."""
    players = [performance(f"{index}", objectives=int(index == 0)) for index in range(12)]
    ratings = mvp.round_ratings(players)
    assert ratings["0"] == pytest.approx(0.9 + 0.10 * 3)
    assert ratings["1"] == pytest.approx(0.9)


def test_one_good_round_does_not_win_a_session() -> None:
    """Twice as good as all others, in one round of four."""
    regular = [
        performance("a", kills=12, deaths=5, damage_given=1500),
        performance("b", team=2, kills=8, deaths=8, damage_given=1200),
    ]
    brilliant = performance("substitute", team=2, kills=40, deaths=1, damage_given=6000)
    ratings = mvp.ratings(map(mvp.round_ratings, [regular, regular, regular, [regular[0], brilliant]]))
    assert max(ratings, key=ratings.__getitem__) == "a"
    assert mvp.round_ratings([regular[0], brilliant])["substitute"] > ratings["a"]


def test_short_play_gives_a_low_rating() -> None:
    """A short time played gives a low rating; spectators are not rated."""
    ratings = mvp.round_ratings(
        [performance("a", kills=10, deaths=5), performance("late", seconds=60), performance("watcher", team=3)]
    )
    assert ratings["late"] < 0.2
    assert "watcher" not in ratings


def _given(*players: ScoreLine) -> dict[str, tuple[float, list[str]]]:
    return {
        given.award.key: (given.value, [player.player_guid for player in given.players])
        for given in awards.session_awards(players)
    }


def test_session_below_all_thresholds_has_no_awards() -> None:
    """A session below all thresholds has no awards."""
    assert _given(score_line("a"), score_line("b")) == {}
    assert _given() == {}


@pytest.mark.parametrize("award", awards.AWARDS, ids=lambda award: award.key)
def test_award_is_given_from_its_threshold(award: awards.Award) -> None:
    """The exact threshold suffices, the next lower value does not, and the better of two gets the award."""
    numbers: dict[str, dict[str, float]] = {
        "damage_efficiency": {"damage_received": 10_000, "damage_given": award.need * 10_000},
        "tank": {"deaths": 10, "damage_received": award.need * 10},
        "iron_man": {"time_dead_seconds": 1, "time_dead_ratio": award.need},
        "sharpshooter": {"shots": 1000, "hits": award.need * 10},
        "spray_and_pray": {"shots": 1000, "hits": award.need * 10},
        "headhunter": {"hits": 1000, "headshots": award.need * 10},
    }
    field = {
        "damage_efficiency": "damage_given", "tank": "damage_received", "iron_man": "time_dead_ratio",
        "sharpshooter": "hits", "spray_and_pray": "hits", "headhunter": "headshots", "top_frag": "kills",
        "spree": "killing_spree_best", "multikills": "triple_kills", "most_useful": "most_useful_kills",
        "medic": "revives_given", "engineer": "dynamites_planted", "objective": "objectives_stolen",
        "assists": "kill_assists", "gibs": "gibs", "denier": "denied_playtime", "kill_thief": "kill_steals",
        "back_again": "times_revived", "useless": "useless_kills", "death_spree": "death_spree_worst",
        "friendly_fire": "team_damage_given", "self_kills": "self_kills",
    }[award.key]  # fmt: skip
    just = score_line("just", **numbers.get(award.key, {field: award.need}))
    step = -1 if award.lowest else 1
    better = just._replace(player_guid="better", **{field: getattr(just, field) + step})
    worse = just._replace(player_guid="worse", **{field: getattr(just, field) - step})
    value, winners = _given(just)[award.key]
    assert value == pytest.approx(award.need)
    assert winners == ["just"]
    assert award.key not in _given(worse)
    assert _given(worse, just, better)[award.key][1] == ["better"]
    assert award.text.format(award.need)


def test_ratio_award_requires_half_a_session() -> None:
    """A substitute's 60 % in five minutes does not beat 40 % over the whole session."""
    regular = score_line("regular", shots=5000, hits=2000)
    substitute = score_line("substitute", shots=600, hits=360, time_played_seconds=300)
    assert _given(regular, substitute)["sharpshooter"] == (40.0, ["regular"])
    alone = substitute._replace(time_played_seconds=1800)
    assert _given(regular, alone)["sharpshooter"] == (60.0, ["substitute"])


def test_tied_players_share_and_hidden_players_get_none() -> None:
    """Two players with 20 kills share; the hidden one with 90 has none."""
    lines = [score_line("b", kills=20), score_line("a", kills=20), score_line("x", kills=90, is_hidden=True)]
    assert _given(*lines)["top_frag"] == (20, ["a", "b"])


def test_award_keys_and_titles_are_unique() -> None:
    """No award or achievement is defined twice."""
    assert (
        len({award.key for award in awards.AWARDS})
        == len({award.title for award in awards.AWARDS})
        == len(awards.AWARDS)
    )


def test_highest_new_threshold_is_reported_once() -> None:
    """From 90 kills to 600 the step is 500; from 500 to 600 there is none."""
    ladder = next(achievement for achievement in achievements.ACHIEVEMENTS if achievement.key == "kills")
    (passed,) = achievements.passed(career("a", kills=90), career("a", kills=510))
    assert (passed.achievement, passed.threshold) == (ladder, 500)
    assert list(achievements.passed(career("a", kills=500), career("a", kills=100))) == []
    assert [milestone.threshold for milestone in achievements.passed(None, career("a", kills=100))] == [100]


@pytest.mark.parametrize("achievement", achievements.ACHIEVEMENTS, ids=lambda award: award.key)
def test_achievement_steps_rise_and_use_stored_sums(achievement: achievements.Achievement) -> None:
    """Each step is higher than the previous one, and uses a stored sum."""
    assert sorted(set(achievement.thresholds)) == list(achievement.thresholds)
    assert achievement.key in Career._fields
    assert achievement.step(achievement.thresholds[0]) == 1
    assert achievement.step(achievement.thresholds[0] - 1) == 0


def test_personal_best_requires_earlier_rounds() -> None:
    """A new player can break the all-time best, but has no personal best yet."""
    before = {
        "old": career("old", rounds=20, best_gibs=4, best_kills=10),
        "new": career("new", rounds=19, best_kills=2),
    }
    broken = records.new_records(before, [career("new", best_kills=9), career("old", best_kills=10, best_gibs=5)])
    assert [(record.best.key, record.player_guid, record.before, record.is_all_time) for record in broken] == [
        ("best_gibs", "old", 4, True)
    ]
    broken = records.new_records(before, [career("new", best_kills=11), career("old", best_kills=11)])
    assert [(record.player_guid, record.is_all_time) for record in broken] == [("new", True), ("old", False)]
