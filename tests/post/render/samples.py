"""Sample views of every size for the tests of posts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from etstats.domain.history import AttackRank, History, PersonalBest, TeamRatingChange, UsualPlay
from etstats.domain.names import coded_name
from etstats.domain.rules.team_names import UNNAMED
from etstats.domain.stats import ScoreLine
from etstats.domain.views import (
    AwardRow,
    DpmSeries,
    MapResult,
    MapRound,
    MatchView,
    MilestoneRow,
    Mvp,
    RecordRow,
    RoundRow,
    RoundView,
    SeriesRow,
    SessionView,
)
from etstats.post.render.summaries import Digest

NAMES = (
    "Anvil", "[team]Bolt", "c0pper.", "DynaMike", "ember_x", "Flint*stone", "granat", "HOTEL|Hilda",
    "i p k i s s", "jink", "Kobold", "l1mpet", "Mortarella", "n00k", "O-range", "pliers",
)  # fmt: skip
ENDED = datetime(2025, 10, 2, 21, 28, 18, tzinfo=UTC)
COLOURS = "12345678"


def player(number: int = 0, **changes: object) -> ScoreLine:
    """Return a player with plausible numbers that depend on `number`; `name` sets it without colours."""
    name = NAMES[number % len(NAMES)] + ("" if number < len(NAMES) else str(number))
    kills, deaths, damage = 24 - number % 17, 8 + number % 9, 4120 - 97 * number
    made = ScoreLine(
        **dict.fromkeys(ScoreLine._fields, 0)
    )._replace(  # type: ignore[arg-type]
        player_guid=f"{number:08X}",
        player_name=f"^{COLOURS[number % 8]}{name[:3]}^{COLOURS[(number + 3) % 8]}{name[3:]}",
        clean_name=name,
        team=1 + number % 2,
        is_hidden=False,
        rounds=1,
        kills=kills,
        deaths=deaths,
        kd_ratio=kills / deaths,
        dpm=damage / 9.5,
        damage_given=damage,
        damage_received=2100 + 53 * number,
        accuracy=41.5 - number / 2,
        headshots=17 - number % 11,
        headshot_kills=6 - number % 5,
        hs_percent=18.2,
        revives_given=number % 6,
        times_revived=(number + 2) % 5,
        gibs=number % 4,
        time_played_seconds=570,
        time_dead_seconds=61 + 7 * number,
        denied_playtime=40 + 3 * number,
        double_kills=int(number % 3 == 0),
        triple_kills=int(number == 0),
        constructions=None,
    )
    return made._replace(**changes)  # type: ignore[arg-type]


def players(count: int) -> tuple[ScoreLine, ...]:
    return tuple(player(number) for number in range(count))


def named(*names: str) -> tuple[ScoreLine, ...]:
    """Return players with these names, without colours."""
    return tuple(
        player(index, clean_name=name, player_name=coded_name([("#ffffff", name)]))
        for index, name in enumerate(names)
    )


def a_round(count: int = 12, **changes: object) -> RoundView:
    round_ = RoundRow(
        id=1,
        server="Sample server",
        server_id=1,
        session_id=1,
        match_id="supply",
        map_name="supply",
        round_number=1,
        filename="2025-10-02-232818-supply-round-1.txt",
        config="",
        stamp=ENDED,
        ended_at=ENDED,
        defender_team=1,
        winner_team=2,
        time_limit_seconds=600,
        actual_time_seconds=451,
        played_seconds=451,
        outcome="completed",
        is_cumulative=False,
    )
    view = RoundView(
        round=round_,
        players=players(count),
        sides=(),
        hidden=0,
        mvp=None,
        milestones=(),
        team_names=("Axis", "Allies"),
    )
    own, inner = _parted(changes, RoundView)
    return view._replace(round=round_._replace(**inner), **own)


def a_map(count: int = 12, **changes: object) -> MatchView:
    lines = players(count)
    map_ = MapResult(
        match_id="sw_goldrush_te",
        map_name="sw_goldrush_te",
        began=ENDED,
        ended_at=ENDED,
        rounds=(
            MapRound(
                round_id=1, winner=0, round_number=1, attackers=1, time_limit_seconds=600, actual_time_seconds=451,
                played_seconds=451, outcome="completed"),
            MapRound(
                round_id=1, winner=0, round_number=2, attackers=2, time_limit_seconds=451, actual_time_seconds=451,
                played_seconds=300, outcome="surrender"),
        ),
        score=(2, 0),
        winner=1,
    )  # fmt: skip
    view = MatchView(
        server="Sample server",
        session_id=1,
        map=map_,
        players=lines,
        line_ups=(),
        hidden=0,
        mvp=mvp_of(lines[0]) if lines else None,
        filenames=("2025-10-02-232818-sw_goldrush_te-round-1.txt", "2025-10-02-233512-sw_goldrush_te-round-2.txt"),
        team_names=UNNAMED,
    )
    own, inner = _parted(changes, MatchView)
    return view._replace(map=replace(map_, **inner), **own)


def mvp_of(line: ScoreLine) -> Mvp:
    """Return the player as MVP."""
    return Mvp(line.player_guid, line.player_name, line.clean_name, 1.4, line.kills, line.deaths, line.dpm)


def _parted(changes: Mapping[str, object], view: type[RoundView] | type[MatchView]) -> tuple[Any, Any]:
    """Split changes into those of a view, and those of its round or map."""
    own = {name: value for name, value in changes.items() if name in view._fields}
    return own, {name: value for name, value in changes.items() if name not in own}


def a_result(name: str, times: Sequence[int], score: tuple[int, int] | None) -> MapResult:
    """Return a map of a session with these round times."""
    rounds = tuple(
        MapRound(round_id=number, winner=0, round_number=number, attackers=number, time_limit_seconds=600,
                 actual_time_seconds=seconds, played_seconds=seconds, outcome="completed")
        for number, seconds in enumerate(times, 1)
    )  # fmt: skip
    return MapResult(
        match_id=name, map_name=name, began=ENDED, ended_at=ENDED, rounds=rounds, score=score, winner=0
    )


def a_session(count: int = 12, maps: int = 8, **changes: object) -> SessionView:
    line = players(count)
    rounds = 2 * maps
    names = ("supply", "etl_adlernest", "sw_goldrush_te", "te_escape2", "et_brewdog", "erdenberg_t2", "frostbite")
    series = tuple(
        DpmSeries(
            player_guid=one.player_guid,
            player_name=one.player_name,
            team=one.team,
            values=tuple(
                None
                if (round_index + index) % 9 == 8
                else 300 + 25 * ((round_index * 7 + index * 5) % 11) - 6.0 * index
                for round_index in range(rounds)
            ),
        )
        for index, one in enumerate(line)
    )
    made = SessionView(
        id=1,
        server="Sample server",
        began=ENDED,
        started_at=ENDED,
        ended_at=ENDED + timedelta(hours=3, minutes=12),
        scores_after=(),
        rounds=(a_round(0).round,) * rounds,
        maps=tuple(
            a_result(
                names[index % len(names)],
                [451 + 17 * index] if index == 3 else [451 + 17 * index, 420 + 11 * index],
                None if index == 3 else ((2, 0), (1, 1), (0, 2), (2, 0))[index % 4],
            )
            for index in range(maps)
        ),
        score=(8, 6),
        players=tuple(
            one._replace(damage_given=one.damage_given * 11, damage_received=one.damage_received * 10,
                         kills=one.kills * 12, deaths=one.deaths * 11, time_played_seconds=9120, rounds=rounds)
            for one in line
        ),
        line_ups=(),
        hidden=0,
        mvp=mvp_of(line[1]) if count > 1 else None,
        ratings={},
        awards=(
            an_award("Medic", "DynaMike", "23 revives"),
            an_award("Spray and pray", "jink", "2,912 shots at 21 %"),
            an_award("Iron man", "Kobold", "9:12 alive in a row"),
        ),
        records=(a_record("kills in a round", "Anvil"),),
        milestones=(a_milestone("Anvil"),),
        series=(),
        dpm_series=series,
        team_names=UNNAMED,
    )  # fmt: skip
    return made._replace(**changes)  # type: ignore[arg-type]


def an_award(title: str, player_name: str, text: str) -> AwardRow:
    return AwardRow("", title, "", player_name, 0, text)


def a_record(title: str, player_name: str) -> RecordRow:
    return RecordRow(title, "", player_name, 41, 38, is_all_time=True)


def a_milestone(player_name: str, title: str = "Kills", mention: str | None = None) -> MilestoneRow:
    return MilestoneRow(title, "kills", 10_000, "", player_name, mention)


def a_digest(count: int = 12, maps: int = 14) -> Digest:
    return Digest(
        server="Sample server",
        first_at=ENDED,
        last_at=ENDED + timedelta(hours=4),
        rounds=2 * maps,
        maps=tuple((f"map_{index}", 2) for index in range(maps)),
        players=players(count),
    )


TEAMS = ("alpha", "omega")
_ROSTER = (
    "Marsh", "Kobold", "Otto", "jink", "Quill", "ember_x", "Brandt", "granat", "Nox", "Hilda", "Finch", "pliers",
)  # fmt: skip


def tagged(lines: tuple[ScoreLine, ...], spare: str = "") -> tuple[ScoreLine, ...]:
    """Return players whose names start with their team's tag, with objectives."""
    made: list[ScoreLine] = []
    for number, line in enumerate(lines):
        tag = f"{TEAMS[number % 2]}." if number < 10 or not spare else f"{spare}."
        name = _ROSTER[number % 12] + ("" if number < 12 else str(number))
        made.append(
            line._replace(clean_name=tag + name, player_name=f"^7{tag}^{COLOURS[number % 8]}{name}",
                          killing_spree_best=9 - number % 9, dynamites_planted=(2, 0, 1, 0)[number % 4],
                          dynamites_defused=int(number == 1), objectives_stolen=int(number == 2),
                          constructions=number % 3, most_useful_kills=number % 5)
        )  # fmt: skip
    return tuple(made)


def history(lines: tuple[ScoreLine, ...]) -> History:
    """Return a history: all players have an average, one a best, one a badge."""
    return History(
        usual={
            line.player_guid: UsualPlay(
                rounds=80,
                kills_per_minute=60 * line.kills / line.time_played_seconds * (0.8 if number % 3 else 1.3),
                dpm=line.dpm * (0.9 if number % 2 else 1.05),
            )
            for number, line in enumerate(lines)
        },
        bests=tuple(PersonalBest(line.player_guid, f"{line.kills} kills", "19") for line in lines[2:3]),
        attacks={1: AttackRank(71, 2, 3, 9.1), 2: AttackRank(71, 30, 41)},
        badges={line.player_guid: "🏆" for line in lines[:1]},
        rating_changes=(TeamRatingChange(12.4, 34.2), TeamRatingChange(-12.4, 65.8)),
    )


def tagged_round(count: int = 12) -> tuple[RoundView, History]:
    """Return a round of two named teams with history."""
    lines = tagged(players(count))
    return a_round(players=lines, team_names=TEAMS), history(lines)


def tagged_map(count: int = 12) -> tuple[MatchView, History]:
    """Return a map of two named teams with history."""
    lines = tagged(players(count))
    mvp = mvp_of(lines[0]) if lines else None
    return a_map(players=lines, team_names=TEAMS, mvp=mvp), history(lines)


def tagged_session(count: int = 12, maps: int = 10, *, series: int = 1) -> tuple[SessionView, History]:
    """Return a session of named teams with history, in one series or two."""
    base = a_session(count, maps)
    outcomes = (("completed", "completed"), ("completed", "fullhold"), ("fullhold", "surrender"))
    played = tuple(
        replace(
            one,
            series=1 if number < 4 else 2,
            rounds=tuple(
                round_._replace(outcome=outcome)
                for round_, outcome in zip(one.rounds, outcomes[number % 3], strict=False)
            ),
        )
        for number, one in enumerate(base.maps)
    )
    lines = tuple(
        line._replace(headshots=150 - 9 * number, revives_given=max(0, 44 - 3 * number), time_dead_seconds=1100)
        for number, line in enumerate(tagged(base.players, "delta" if series > 1 else ""))
    )
    parts = (
        SeriesRow(1, "alpha", "delta", (4, 2), 4, (), mvp_of(named("Marsh")[0])),
        SeriesRow(2, *TEAMS, (1, 7), maps - 4, (), mvp_of(named("Kobold")[0])),
    )
    made = base._replace(players=lines, maps=played, series=parts if series > 1 else (), team_names=TEAMS)
    return made, history(lines)
