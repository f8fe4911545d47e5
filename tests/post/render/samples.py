"""Made-up facts of every size for the tests of this room."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from etstats.post.render.facts import (
    AttackRank,
    AwardLine,
    BrokenRecord,
    Digest,
    DpmLine,
    History,
    MapScore,
    MapSummary,
    Milestone,
    PersonalBest,
    PlayerLine,
    RoundResult,
    RoundSummary,
    SeriesSummary,
    SessionSummary,
    UsualPlay,
)

NAMES = (
    "Anvil", "[team]Bolt", "c0pper.", "DynaMike", "ember_x", "Flint*stone", "granat", "HOTEL|Hilda",
    "i p k i s s", "jink", "Kobold", "l1mpet", "Mortarella", "n00k", "O-range", "pliers",
)  # fmt: skip
ENDED = datetime(2025, 10, 2, 21, 28, 18, tzinfo=UTC)
COLOURS = ("#ff0000", "#00ff00", "#ffff00", "#4d7cff", "#00ffff", "#ff00ff", "#ffffff", "#ff8000")


def player(number: int = 0, **changes: object) -> PlayerLine:
    """A player with plausible numbers, all different by `number`."""
    name = NAMES[number % len(NAMES)] + ("" if number < len(NAMES) else str(number))
    kills, deaths, damage = 24 - number % 17, 8 + number % 9, 4120 - 97 * number
    made = PlayerLine(
        guid=f"{number:08X}",
        name=name,
        team=1 + number % 2,
        kills=kills,
        deaths=deaths,
        kd=kills / deaths,
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
        colour_runs=((COLOURS[number % 8], name[:3]), (COLOURS[(number + 3) % 8], name[3:])),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def players(count: int) -> tuple[PlayerLine, ...]:
    return tuple(player(number) for number in range(count))


def named(*names: str) -> tuple[PlayerLine, ...]:
    """Players with these names and without colours."""
    return tuple(player(i, name=name, colour_runs=()) for i, name in enumerate(names))


def a_round(count: int = 12, **changes: object) -> RoundSummary:
    made = RoundSummary(
        server="Sample server",
        map_name="supply",
        round_number=1,
        ended_at=ENDED,
        time_limit_seconds=600,
        actual_time_seconds=451,
        played_seconds=451,
        defender_team=1,
        winner_team=2,
        outcome="completed",
        filename="2025-10-02-232818-supply-round-1.txt",
        players=players(count),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def a_map(count: int = 12, **changes: object) -> MapSummary:
    made = MapSummary(
        server="Sample server",
        map_name="sw_goldrush_te",
        ended_at=ENDED,
        rounds=(
            RoundResult(round_number=1, attackers=1, time_limit_seconds=600, actual_time_seconds=451,
                        played_seconds=451, outcome="completed"),
            RoundResult(round_number=2, attackers=2, time_limit_seconds=451, actual_time_seconds=451,
                        played_seconds=300, outcome="surrender"),
        ),
        score=(2, 0),
        winner=1,
        players=players(count),
        mvp="00000000",
        mvp_reason="434 DPM, 24 kills, 5 revives",
        filenames=("2025-10-02-232818-sw_goldrush_te-round-1.txt", "2025-10-02-233512-sw_goldrush_te-round-2.txt"),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def a_session(count: int = 12, maps: int = 8, **changes: object) -> SessionSummary:
    line = players(count)
    rounds = 2 * maps
    names = ("supply", "etl_adlernest", "sw_goldrush_te", "te_escape2", "et_brewdog", "erdenberg_t2", "frostbite")
    series = tuple(
        DpmLine(
            guid=one.guid,
            values=tuple(
                None if (i + n) % 9 == 8 else 300 + 25 * ((i * 7 + n * 5) % 11) - 6.0 * n for i in range(rounds)
            ),
        )
        for n, one in enumerate(line)
    )
    made = SessionSummary(
        server="Sample server",
        started_at=ENDED,
        ended_at=ENDED + timedelta(hours=3, minutes=12),
        rounds=rounds,
        maps=tuple(
            MapScore(
                map_name=names[i % len(names)],
                times=(451 + 17 * i, None if i == 3 else 420 + 11 * i),
                score=None if i == 3 else ((2, 0), (1, 1), (0, 2), (2, 0))[i % 4],
                winner=0,
            )
            for i in range(maps)
        ),
        score=(8, 6),
        players=tuple(
            replace(one, damage_given=one.damage_given * 11, damage_received=one.damage_received * 10,
                    kills=one.kills * 12, deaths=one.deaths * 11, time_played_seconds=9120, rounds=rounds)
            for one in line
        ),
        mvp="00000001",
        mvp_reason="best damage for deaths over 16 rounds",
        awards=(
            AwardLine(title="Medic", name="DynaMike", value="23 revives"),
            AwardLine(title="Spray and pray", name="jink", value="2,912 shots at 21 %"),
            AwardLine(title="Iron man", name="Kobold", value="9:12 alive in a row"),
        ),
        records=(BrokenRecord(title="Most kills in a round", name="Anvil", value="41", before="38"),),
        milestones=(Milestone(name="Anvil", text="reached 10,000 kills"),),
        round_labels=tuple(f"{names[i // 2 % len(names)]} {1 + i % 2}" for i in range(rounds)),
        dpm_series=series,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def a_digest(count: int = 12, maps: int = 14) -> Digest:
    return Digest(
        server="Sample server",
        first_at=ENDED,
        last_at=ENDED + timedelta(hours=4),
        rounds=2 * maps,
        maps=tuple((f"map_{i}", 2) for i in range(maps)),
        players=players(count),
    )


TEAMS = ("alpha", "omega")
_ROSTER = (
    "Marsh", "Kobold", "Otto", "jink", "Quill", "ember_x", "Brandt", "granat", "Nox", "Hilda", "Finch", "pliers",
)  # fmt: skip


def tagged(lines: tuple[PlayerLine, ...], spare: str = "") -> tuple[PlayerLine, ...]:
    """The players with names that begin with their team's tag, and with what they did for the objectives."""
    made: list[PlayerLine] = []
    for number, line in enumerate(lines):
        tag = f"{TEAMS[number % 2]}." if number < 10 or not spare else f"{spare}."
        name = _ROSTER[number % 12] + ("" if number < 12 else str(number))
        made.append(
            replace(line, name=tag + name, colour_runs=(("#ffffff", tag), (COLOURS[number % 8], name)),
                    best_spree=9 - number % 9, dynamites_planted=(2, 0, 1, 0)[number % 4],
                    dynamites_defused=int(number == 1), objectives_taken=int(number == 2),
                    constructions=number % 3, most_useful_kills=number % 5)
        )  # fmt: skip
    return tuple(made)


def history(lines: tuple[PlayerLine, ...]) -> History:
    """What the players did before: everybody has an average, one a best, one a badge."""
    return History(
        usual={
            line.guid: UsualPlay(
                rounds=80,
                kills=line.kills / line.rounds * (0.8 if number % 3 else 1.3),
                dpm=line.dpm * (0.9 if number % 2 else 1.05),
            )
            for number, line in enumerate(lines)
        },
        bests=tuple(PersonalBest(line.guid, f"{line.kills} kills", "19") for line in lines[2:3]),
        attacks={1: AttackRank(71, 2, 3), 2: AttackRank(71, 30, 41)},
        badges={line.guid: "🏆" for line in lines[:1]},
        rating_changes=(0.04, -0.04),
    )


def tagged_round(count: int = 12) -> tuple[RoundSummary, History]:
    """A round of two named teams with history."""
    lines = tagged(players(count))
    return a_round(players=lines, team_names=TEAMS, tags=TEAMS), history(lines)


def tagged_map(count: int = 12) -> tuple[MapSummary, History]:
    """A map of two named teams with history."""
    lines = tagged(players(count))
    return a_map(players=lines, line_up_names=TEAMS, tags=TEAMS), history(lines)


def tagged_session(count: int = 12, maps: int = 10, *, series: int = 1) -> tuple[SessionSummary, History]:
    """A session of named teams with history, in one series or two."""
    base = a_session(count, maps)
    outcomes = (("completed", "completed"), ("completed", "fullhold"), ("fullhold", "surrender"))
    played = tuple(replace(one, outcomes=outcomes[number % 3]) for number, one in enumerate(base.maps))
    lines = tuple(
        replace(line, headshots=150 - 9 * number, revives_given=max(0, 44 - 3 * number), time_dead_seconds=1100)
        for number, line in enumerate(tagged(base.players, "delta" if series > 1 else ""))
    )
    parts = (
        SeriesSummary(("alpha", "delta"), (4, 2), played[:4], "Marsh"),
        SeriesSummary(TEAMS, (1, 7), played[4:], "Kobold"),
    )
    made = replace(base, players=lines, maps=played, series=parts if series > 1 else (), line_up_names=TEAMS)
    return made, history(lines)
