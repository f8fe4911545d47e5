"""Made-up facts of every size for the tests of this room."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from etstats.post.render.facts import (
    AwardLine,
    BrokenRecord,
    Digest,
    DpmLine,
    MapScore,
    MapSummary,
    Milestone,
    PlayerLine,
    RoundResult,
    RoundSummary,
    SessionSummary,
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
