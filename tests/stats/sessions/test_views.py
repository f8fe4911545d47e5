"""Tests of views of hand-written rounds, with results computed by hand."""

from datetime import date, timedelta

import pytest
from psycopg import Connection

from etstats.db.scope import Scope
from etstats.domain.views import RecordRow
from etstats.errors import NotFoundError
from etstats.stats import careers, lookup, sessions
from tests.stats.sessions.rows import START, add_round, add_session, guid, line


def test_round_shows_sides_sorted_by_damage(db: Connection) -> None:
    """Players are sorted by damage; totals are sums over the side."""
    session = add_session(db)
    round_id = add_round(
        db,
        session,
        [
            line(1, 1, kills=3, deaths=1, damage_given=300),
            line(2, 1, kills=1, deaths=2, damage_given=900),
            line(3, 2, kills=3, deaths=4, damage_given=500),
        ],
    )
    view = sessions.round_view(db, round_id)
    assert [player.player_guid for player in view.players] == [guid(2), guid(3), guid(1)]
    assert [(side.team, side.players, side.kills, side.deaths, side.damage_given) for side in view.sides] == [
        (1, 2, 4, 3, 1200),
        (2, 1, 3, 4, 500),
    ]
    assert view.round.filename == "2025-10-02-200000-supply-round-1.txt"


def test_ratios_are_computed_from_sums(db: Connection) -> None:
    """K/D, DPM, accuracy and HS% over two rounds are not means of the rounds."""
    session = add_session(db)
    numbers = {"hits": 10, "shots": 20, "bullets_fired": 20, "headshots": 5}
    add_round(db, session, [line(1, 1, seconds=600, kills=10, deaths=1, damage_given=1000, **numbers)])
    more = {"hits": 10, "shots": 80, "bullets_fired": 80, "headshots": 1}
    add_round(
        db, session, [line(1, 2, seconds=60, kills=0, deaths=4, damage_given=100, **more)], minute=10, number=2
    )
    (player,) = sessions.session_view(db, session).players
    assert player.kd_ratio == 2.0
    assert player.dpm == pytest.approx(60 * 1100 / 660)
    assert player.accuracy == 20.0
    assert player.hs_percent == 30.0
    assert player.rounds == 2


def test_ratio_without_a_divisor_is_unknown(db: Connection) -> None:
    """Without shots there is no accuracy, without a field no revives."""
    session = add_session(db)
    add_round(db, session, [line(1, 1)])
    (player,) = sessions.session_view(db, session).players
    assert player.accuracy is None
    assert player.hs_percent is None
    assert player.revives_given is None


def test_implausible_values_are_limited(db: Connection) -> None:
    """Time dead is limited to time played; denied playtime above the opponents' total is excluded."""
    session = add_session(db)
    add_round(
        db,
        session,
        [
            line(1, 1, seconds=600, time_dead_minutes=220, denied_playtime=5838),
            line(2, 1, seconds=600, time_dead_minutes=3, denied_playtime=1100),
            line(3, 2, seconds=600),
            line(4, 2, seconds=600),
        ],
    )
    by_guid = {player.player_guid: player for player in sessions.session_view(db, session).players}
    assert (by_guid[guid(1)].time_dead_seconds, by_guid[guid(1)].time_dead_ratio) == (600, 100)
    assert by_guid[guid(1)].denied_playtime is None
    assert (by_guid[guid(2)].time_dead_seconds, by_guid[guid(2)].denied_playtime) == (180, 1100)


def _map(db: Connection, session: int, minute: int, name: str, axis: list[int], winners: tuple[int, int]) -> None:
    """Add a map: players `axis` start as Axis, the others as Allies; the winners of the rounds, as sides."""
    allies = [slot for slot in (1, 2, 3, 4) if slot not in axis]
    for number, winner in enumerate(winners, 1):
        first, second = (axis, allies) if number == 1 else (allies, axis)
        add_round(
            db,
            session,
            [line(number, 1) for number in first] + [line(number, 2) for number in second],
            minute=minute + 10 * number,
            match=name,
            number=number,
            winner=winner,
            outcome="completed" if winner == 2 else "fullhold",
        )


def test_score_follows_the_line_ups(db: Connection) -> None:
    """Players 1 and 2 are line-up 1: they win a map as Allies of round 2, then one as Axis of round 2."""
    session = add_session(db)
    _map(db, session, 0, "supply", [1, 2], (1, 2))  # round 1 held by 1 and 2, who then attack and win
    _map(db, session, 20, "adlernest", [3, 4], (2, 1))  # 1 and 2 attack first and make it, then hold
    _map(db, session, 40, "erdenberg", [1, 2], (1, 1))  # both rounds held
    _map(db, session, 60, "frostbite", [1, 2], (2, 1))  # 3 and 4 attack first and make it, then hold
    view = sessions.session_view(db, session)
    assert [map_.score for map_ in view.maps] == [(2, 0), (2, 0), (1, 1), (0, 2)]
    assert [map_.winner for map_ in view.maps] == [1, 1, 0, 2]
    assert view.scores_after == ((2, 0), (4, 0), (5, 1), (5, 3))
    assert view.score == (5, 3)
    assert {player.player_guid: player.team for player in view.players} == {
        guid(1): 1,
        guid(2): 1,
        guid(3): 2,
        guid(4): 2,
    }
    assert [[round_.attackers for round_ in map_.rounds] for map_ in view.maps] == [[2, 1], [1, 2], [2, 1], [2, 1]]
    assert [[round_.winner for round_ in map_.rounds] for map_ in view.maps] == [[1, 1], [1, 1], [1, 2], [2, 2]]


def test_map_without_round_2_has_no_score(db: Connection) -> None:
    """It is listed, but counts for nobody."""
    session = add_session(db)
    add_round(db, session, [line(1, 1), line(2, 2)])
    view = sessions.session_view(db, session)
    assert (view.maps[0].score, view.maps[0].winner, view.score) == (None, 0, None)


def test_match_uses_the_line_up_of_its_map(db: Connection) -> None:
    """Player 2 played two maps for line-up 1 and one for line-up 2, and counts there for line-up 2."""
    session = add_session(db)
    _map(db, session, 0, "supply", [1, 2], (1, 2))
    _map(db, session, 20, "adlernest", [1, 2], (1, 2))
    _map(db, session, 40, "erdenberg", [1, 3], (1, 2))
    view = sessions.session_view(db, session)
    server_id = view.rounds[0].server_id
    first = sessions.match_view(db, server_id, view.maps[0].match_id)
    last = sessions.match_view(db, server_id, view.maps[2].match_id)
    assert {player.player_guid: player.team for player in first.players} == {
        guid(1): 1,
        guid(2): 1,
        guid(3): 2,
        guid(4): 2,
    }
    assert {player.player_guid: player.team for player in last.players} == {
        guid(1): 1,
        guid(2): 2,
        guid(3): 1,
        guid(4): 2,
    }
    assert last.filenames == tuple(round_.filename for round_ in view.rounds if round_.map_name == "erdenberg")
    assert last.map == view.maps[2]


def test_dpm_has_gaps_for_absent_players(db: Connection) -> None:
    """A value for each round of the session, None for rounds without the player."""
    session = add_session(db)
    add_round(db, session, [line(1, 1, damage_given=1000), line(2, 2, damage_given=500)])
    add_round(db, session, [line(1, 2, damage_given=2000)], minute=10, number=2)
    series = {series.player_guid: series.values for series in sessions.session_view(db, session).dpm_series}
    assert series == {guid(1): (100.0, 200.0), guid(2): (50.0, None)}


def test_cumulative_round_has_no_spree_and_no_rating(db: Connection) -> None:
    """Its sums are those of the map; single-round values are not used."""
    session = add_session(db)
    add_round(db, session, [line(1, 1, kills=5, killing_spree_best=3), line(2, 2, kills=1)])
    add_round(
        db,
        session,
        [line(1, 1, kills=2, killing_spree_best=3), line(2, 2, kills=40, killing_spree_best=20)],
        minute=20,
        match="adlernest",
        number=2,
        is_cumulative=True,
        played=None,
    )
    view = sessions.session_view(db, session)
    by_guid = {player.player_guid: player for player in view.players}
    assert (by_guid[guid(2)].kills, by_guid[guid(2)].killing_spree_best) == (41, 0)
    assert view.mvp is not None
    assert view.mvp.player_guid == guid(1)


def test_hidden_players_are_only_in_totals(db: Connection) -> None:
    """Not on the scoreboard, not MVP, no award, no record, no milestone, no line in the chart."""
    session = add_session(db)
    star = {"kills": 60, "damage_given": 9000, "revives_given": 50}
    round_id = add_round(db, session, [line(1, 1, **star), line(2, 2, kills=12, damage_given=900)])
    db.execute("INSERT INTO hidden_players (player_guid) VALUES (%s)", [guid(1)])
    view = sessions.session_view(db, session)
    shown = sessions.round_view(db, round_id)
    match = sessions.match_view(db, view.rounds[0].server_id, view.maps[0].match_id)
    assert [team.kills for team in view.line_ups] == [60, 12]
    assert [side.kills for side in shown.sides] == [60, 12]
    assert [team.kills for team in match.line_ups] == [60, 12]
    assert (view.hidden, shown.hidden, match.hidden) == (1, 1, 1)
    for found in (view, shown, match):
        assert guid(1) not in repr(found)
        assert guid(2) in repr(found)


def test_session_spans_its_rounds(db: Connection) -> None:
    """The start is the end of the first round minus its length."""
    session = add_session(db)
    add_round(db, session, [line(1, 1)], minute=0, actual=480)
    add_round(db, session, [line(1, 2)], minute=10, number=2)
    view = sessions.session_view(db, session)
    assert view.started_at == START - timedelta(seconds=480)
    assert view.ended_at == START + timedelta(minutes=10)
    (row,) = sessions.session_rows(db, Scope(), None)
    assert (row.started_at, row.ended_at, row.seconds) == (view.started_at, view.ended_at, 1080)
    assert (row.rounds, row.maps, row.players, row.score) == (2, 1, 1, view.score)


def test_new_bests_are_compared_with_all_earlier_rounds(db: Connection) -> None:
    """An all-time best is reported once; a personal best requires enough rounds; equal values do not count."""
    past = add_session(db)
    for number in range(20):
        add_round(
            db,
            past,
            [line(1, 1, kills=20, gibs=3), line(2, 2, kills=30, gibs=9)],
            minute=-9000 + 10 * number,
            match=f"map{number}",
        )
    tonight = add_session(db)
    lines = [line(1, 1, kills=25, gibs=8), line(2, 2, kills=31, gibs=9), line(3, 2, kills=30, gibs=2)]
    add_round(db, tonight, lines)
    records = [
        (record.title, record.player_guid, record.value, record.before, record.is_all_time)
        for record in _records(db, tonight)
    ]
    assert records == [
        ("kills in a round", guid(2), 31, 30, True),
        ("kills in a round", guid(1), 25, 20, False),
    ]
    assert _records(db, past) == ()


def _records(db: Connection, session: int) -> tuple[RecordRow, ...]:
    return sessions.session_view(db, session).records


def test_milestone_is_reported_once(db: Connection) -> None:
    """99 kills, then one more: the second round reaches 100."""
    session = add_session(db)
    rounds = [
        add_round(db, session, [line(1, 1, kills=kills)], minute=10 * number, number=number)
        for number, kills in ((1, 99), (2, 1))
    ]
    rounds.append(add_round(db, session, [line(1, 1, kills=1)], minute=30, match="adlernest"))
    db.execute(
        "INSERT INTO player_links (discord_user_id, player_guid, wants_mention) VALUES (77, %s, true)", [guid(1)]
    )
    reached = [
        [(milestone.threshold, milestone.unit) for milestone in sessions.round_view(db, round_).milestones]
        for round_ in rounds
    ]
    assert reached == [[], [(100, "kills")], []]
    (milestone,) = sessions.session_view(db, session).milestones
    assert (milestone.player_guid, milestone.threshold, milestone.discord_user_id) == (guid(1), 100, "77")


def test_step_is_reached_at_the_end_of_a_session(db: Connection) -> None:
    """90 kills in one session, 20 in the next: the second reaches 100; hidden players are excluded."""
    for number, kills in enumerate((90, 20, 400)):
        session = add_session(db)
        minute = 3000 * number
        add_round(db, session, [line(1, 1, kills=kills), line(2, 2, kills=100)], minute=minute)
        add_round(db, session, [line(2, 1)], minute=minute + 10, number=2)
    steps = [
        (row.threshold, row.players, row.first_name, row.first_on, row.last_name)
        for row in careers.achievement_rows(db)
        if row.title == "Soldier"
    ]
    ends = [START + timedelta(minutes=3000 * number) for number in range(3)]
    assert steps == [
        (100, 2, "player2", ends[0] + timedelta(minutes=10), "player1"),
        (500, 1, "player1", ends[2], "player1"),
    ]
    db.execute("INSERT INTO hidden_players (player_guid) VALUES (%s)", [guid(1)])
    assert [row.players for row in careers.achievement_rows(db) if row.title == "Soldier"] == [1]
    sheet = {row.title: row for row in careers.progress_rows(db, guid(1))}["Soldier"]
    assert (sheet.value, sheet.reached, sheet.reached_on, sheet.next, sheet.left) == (510, 500, ends[2], 1000, 490)


def test_sessions_are_selected_by_number_day_or_last(db: Connection) -> None:
    """A day selects the session that started on it, else the one that continued into it."""
    first = add_session(db)
    add_round(db, first, [line(1, 1)], minute=230)  # 23:50
    add_round(db, first, [line(1, 2)], minute=250, number=2)  # 00:10
    second = add_session(db)
    add_round(db, second, [line(1, 1)], minute=3 * 1440)
    assert lookup.find_session(db, "last") == second
    assert lookup.find_session(db, str(first)) == first
    assert lookup.find_session(db, "2025-10-02") == first
    assert lookup.find_session(db, "2025-10-03") == first
    assert lookup.find_session(db, "2025-10-05") == second
    with pytest.raises(NotFoundError, match=f"nearest days: {date(2025, 10, 5)}"):
        lookup.find_session(db, "2025-10-07")
    with pytest.raises(NotFoundError, match="a day: yesterday or 2025-10-02"):
        lookup.find_session(db, "yesterday evening")
    with pytest.raises(NotFoundError, match=f"nearest: {second}, {first}"):
        sessions.session_view(db, second + 1000)


def test_two_sessions_of_one_day_are_listed(db: Connection) -> None:
    """Two sessions on one day: an error that lists both."""
    ids = []
    for minute in (0, 200):
        ids.append(add_session(db))
        add_round(db, ids[-1], [line(1, 1)], minute=minute)
    with pytest.raises(NotFoundError, match=f"use a number: {ids[0]}, {ids[1]}"):
        lookup.find_session(db, "2025-10-02")


def test_rounds_are_selected_by_number_file_or_last(db: Connection) -> None:
    """With or without the file extension."""
    session = add_session(db)
    first = add_round(db, session, [line(1, 1)])
    last = add_round(db, session, [line(1, 2)], minute=10, number=2)
    assert lookup.find_round(db, "last") == last
    assert lookup.find_round(db, str(first)) == first
    assert lookup.find_round(db, "2025-10-02-200000-supply-round-1.txt") == first
    assert lookup.find_round(db, "2025-10-02-200000-supply-round-1") == first
    with pytest.raises(NotFoundError, match=r"2025-10-02-201000-supply-round-2\.txt"):
        lookup.find_round(db, "2025-10-02-201001-supply-round-2.txt")
    with pytest.raises(NotFoundError, match=f"nearest: {last}, {first}"):
        sessions.round_view(db, last + 5)
    with pytest.raises(NotFoundError, match="no match"):
        sessions.match_view(db, 1, "never")


def test_empty_database_has_no_last_session(db: Connection) -> None:
    """An empty database has no last session."""
    assert lookup.find_session(db, "last") is None
    assert lookup.find_session(db, "12") is None
    assert lookup.find_round(db, "last") is None
