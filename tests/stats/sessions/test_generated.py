"""Tests of views of generated sessions, compared with the truth."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from etstats.db.scope import Scope
from etstats.demo.generator import GeneratedRound, GeneratedSession, Quirks, generate_session
from etstats.domain.views import SessionView
from etstats.importer.importer import Importer
from etstats.stats import sessions

START = datetime(2025, 10, 6, 20, 5)  # noqa: DTZ001 - the server's own clock
SUMS = (
    "kills deaths headshots hits shots damage_given damage_received team_damage_given gibs self_kills xp "
    "kill_assists kill_steals headshot_kills times_revived most_useful_kills dynamites_planted "
    "time_played_seconds double_kills"
).split()


def play(db: Connection, seed: int, players: int, quirks: Quirks) -> tuple[GeneratedSession, SessionView]:
    """Import a session, and return its view."""
    session = generate_session(seed, start=START, players=players, maps=(3, 5), quirks=quirks)
    importer = Importer(db, "main", ZoneInfo(session.zone), timedelta(minutes=60))
    for file in session.files:
        importer.add(file.name, file.content, file.mtime)
    (session_id,) = {row.id for row in sessions.session_rows(db, Scope(), None)}
    return session, sessions.session_view(db, session_id)


@pytest.mark.parametrize(("seed", "players"), [(1, 6), (2, 12), (3, 24)])
def test_scoreboard_equals_the_generated_sums(db: Connection, seed: int, players: int) -> None:
    """All numbers of all players, over all rounds of the session."""
    session, view = play(db, seed, players, Quirks())
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    for played in session.rounds:
        for guid, truth in played.truth.items():
            wanted[guid].update({name: truth.numbers[name] for name in SUMS})
            wanted[guid]["rounds"] += 1
    found = {
        player.player_guid: {name: getattr(player, name) for name in [*SUMS, "rounds"]} for player in view.players
    }
    assert found == {guid: {name: sums[name] for name in [*SUMS, "rounds"]} for guid, sums in wanted.items()}
    assert sum(team.kills for team in view.line_ups) == sum(sums["kills"] for sums in wanted.values())
    assert [player.damage_given for player in view.players] == sorted(
        (player.damage_given for player in view.players), reverse=True
    )


@pytest.mark.parametrize("seed", range(10, 16))
def test_maps_are_won_by_the_winning_side(db: Connection, seed: int) -> None:
    """The winner of round 2, as the players of that side; both held: a draw."""
    session, view = play(db, seed, 10, Quirks())
    matches: dict[int, list[GeneratedRound]] = defaultdict(list)
    for played in session.rounds:
        matches[played.match].append(played)
    assert len(view.maps) == len(matches)
    line_up = {player.player_guid: player.team for player in view.players}
    for (first, second), result in zip(matches.values(), view.maps, strict=True):
        assert [round_.actual_time_seconds for round_ in result.rounds] == [
            first.actual_seconds,
            second.actual_seconds,
        ]
        if first.winner == first.defender and second.winner == second.defender:
            assert (result.score, result.winner) == ((1, 1), 0)
            continue
        camps = Counter(line_up[key] for key, truth in second.truth.items() if truth.team == second.winner)
        ((winner, _),) = camps.most_common(1)
        assert result.winner == winner
        assert result.score == ((2, 0) if winner == 1 else (0, 2))
    scores = [map_.score for map_ in view.maps if map_.score is not None]
    assert view.score == (sum(first for first, _ in scores), sum(second for _, second in scores))


def test_dpm_of_every_round_equals_the_generated_one(db: Connection) -> None:
    """60 times damage divided by seconds, for the players of the round."""
    session, view = play(db, 21, 8, Quirks())
    for series in view.dpm_series:
        for played, value in zip(session.rounds, series.values, strict=True):
            truth = played.truth.get(series.player_guid)
            if truth is None or not truth.numbers["time_played_seconds"]:
                assert value is None
            else:
                damage, seconds = truth.numbers["damage_given"], truth.numbers["time_played_seconds"]
                assert damage is not None
                assert seconds is not None
                assert value == pytest.approx(60 * damage / seconds)


def test_mvp_has_the_highest_rating(db: Connection) -> None:
    """Ratings are sorted, and their average over a full round is 1."""
    _, view = play(db, 22, 12, Quirks())
    assert view.mvp is not None
    assert next(iter(view.ratings)) == view.mvp.player_guid
    assert list(view.ratings.values()) == sorted(view.ratings.values(), reverse=True)
    assert 0 < view.ratings[view.mvp.player_guid] < 3
