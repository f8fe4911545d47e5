"""Sessions of generated round files, as a game server would write them, with their expected statistics.

Equal arguments give equal bytes, on every machine and Python. The players, GUIDs and servers do not exist.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from etstats.demo.community import Person, make_community
from etstats.demo.ground_truth import PlayerTruth, truth_of
from etstats.demo.match import MAPS, Roster, play_match
from etstats.demo.quirks import EVERYDAY, Quirks
from etstats.demo.rng import Random
from etstats.demo.roundfile import LAYOUTS, bot_lines, clock, content
from etstats.demo.tally import Tally

__all__ = [
    "EVERYDAY",
    "GeneratedFile",
    "GeneratedRound",
    "GeneratedSession",
    "PlayerTruth",
    "Quirks",
    "generate",
    "generate_session",
    "write_files",
]  # fmt: skip

SERVER_NAME = "^aThe ^7Old ^aBarn ^7stopwatch"
_SAVED_AFTER = 3  # seconds from the end of a round to its file


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """One file of the game server; `mtime` in whole seconds UTC."""

    name: str
    content: bytes
    mtime: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedRound:
    """A round: its file, whether the server lost that file, and the true result; times in seconds.

    `match` counts the maps of the session from 0. `outcome` is `completed`, `fullhold` or `surrender`.
    """

    file: GeneratedFile
    is_lost: bool
    match: int
    number: int
    map_name: str
    defender: int
    winner: int
    limit_seconds: int
    actual_seconds: int | None
    played_seconds: int
    outcome: str
    layout: int
    tallies: tuple[Tally, ...]
    reset_guid: str

    @property
    def truth(self) -> dict[str, PlayerTruth]:
        """Return the numbers of this round alone, by GUID."""
        return {
            tally.person.guid: truth_of(tally, self.layout, was_reset=tally.person.guid == self.reset_guid)
            for tally in self.tallies
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedSession:
    """A gaming session of one server, in the order played."""

    server_name: str
    zone: str
    rounds: tuple[GeneratedRound, ...]

    @property
    def files(self) -> list[GeneratedFile]:
        """Return the files on the server: all except lost ones."""
        return [played.file for played in self.rounds if not played.is_lost]


def generate(
    seed: int,
    *,
    start: datetime,
    sessions: int | None = None,
    files: int | None = None,
    zone: str = "Europe/Ljubljana",
    layout: int = 38,
    players: int = 12,
    maps: tuple[int, int] = (4, 6),
    pause_days: tuple[int, int] = (1, 4),
    server_name: str = SERVER_NAME,
    quirks: Quirks = EVERYDAY,
) -> Iterator[GeneratedFile]:
    """Yield the files of `sessions` sessions, or exactly `files` files, in the order they were written.

    One session by default. `maps`: minimum and maximum per session; `pause_days`: days between sessions. See
    `generate_session` for the rest. Memory does not grow with the number.
    """
    if sessions is None and files is None:
        sessions = 1
    kind = _Kind(layout, players, maps, pause_days, server_name, quirks)
    run = _sessions(seed, start, zone, kind)
    written = (file for session in islice(run, sessions) for file in session.files)
    return islice(written, files)


def generate_session(
    seed: int,
    *,
    start: datetime,
    zone: str = "Europe/Ljubljana",
    layout: int = 38,
    players: int = 12,
    maps: tuple[int, int] = (4, 6),
    server_name: str = SERVER_NAME,
    quirks: Quirks = EVERYDAY,
) -> GeneratedSession:
    """Return one session with its expected statistics: the first one of `generate` with the same arguments.

    `start`: start of the warm-up of the first map; without a zone in server time. `zone`: the server's zone.
    `layout`: 33, 36, 37 or 38 fields per player. `players`: at least 2, on both sides together.
    """
    return next(_sessions(seed, start, zone, _Kind(layout, players, maps, (1, 1), server_name, quirks)))


def write_files(folder: Path, files: Iterable[GeneratedFile]) -> int:
    """Write files with their mtimes into an existing folder; return their number."""
    count = 0
    for file in files:
        path = folder / file.name
        path.write_bytes(file.content)
        os.utime(path, (file.mtime, file.mtime))
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class _Kind:
    """The common arguments of all sessions of a run."""

    layout: int
    players: int
    maps: tuple[int, int]
    pause_days: tuple[int, int]
    server_name: str
    quirks: Quirks

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"no layout of {self.layout} fields; there are {LAYOUTS}")
        if self.players < 2:
            raise ValueError(f"a round needs 2 players, not {self.players}")


def _sessions(seed: int, start: datetime, zone: str, kind: _Kind) -> Iterator[GeneratedSession]:
    clock_zone = ZoneInfo(zone)
    dice = Random(seed)
    community = make_community(dice, kind.players + 6 + kind.players // 2)
    begin = start.replace(tzinfo=clock_zone) if start.tzinfo is None else start.astimezone(clock_zone)
    while True:
        rounds = tuple(_play(dice, _roster(dice, community, kind), begin, kind))
        yield GeneratedSession(server_name=kind.server_name, zone=zone, rounds=rounds)
        day = begin.date() + timedelta(days=dice.between(*kind.pause_days))
        begin = datetime(day.year, day.month, day.day, 20, dice.below(60), dice.below(60), tzinfo=clock_zone)
        rested = datetime.fromtimestamp(rounds[-1].file.mtime, clock_zone) + timedelta(hours=3)
        begin = max(begin, rested)


def _roster(dice: Random, community: list[Person], kind: _Kind) -> Roster:
    """Choose the players of a session and split them into two line-ups of similar skill."""
    people = dice.shuffled(community)
    tonight = sorted(people[: kind.players], key=lambda person: person.skill)
    for person in people:
        if person.name not in person.names:
            person.name = person.names[0]
    if dice.happens(kind.quirks.shared_names):
        tonight[0].name = tonight[-1].name
    return Roster((tonight[0::2], tonight[1::2]), people[kind.players :])


def _play(dice: Random, roster: Roster, begin: datetime, kind: _Kind) -> Iterator[GeneratedRound]:
    quirks = kind.quirks
    now = int(begin.timestamp())
    config = "legacy3" if sum(map(len, roster.lineups)) <= 8 else "legacy6"
    duration = "%d" if not dice.happens(quirks.ninth_in_seconds) else "%.3f"
    duration = duration if dice.happens(quirks.ninth_field) else ""
    spans_midnight = dice.happens(quirks.midnight)
    game_maps = dice.shuffled(MAPS)
    bot_dice = Random(now)  # a separate random stream, so that other numbers do not depend on the bots
    for match in range(dice.between(*kind.maps)):
        game_map = game_maps[match % len(game_maps)]
        now += dice.between(39, 200)
        bots = bot_dice.between(1, max(1, kind.players // 2)) if bot_dice.happens(quirks.bots) else 0
        for played in play_match(dice, game_map, roster, quirks):
            now += played.played + dice.between(35, 60)
            if spans_midnight and match == 0 and played.number == 1:
                midnight = begin.replace(hour=0, minute=0, second=0) + timedelta(days=1)
                now = max(now, int(midnight.timestamp()) - dice.between(20, 70))
            is_timeless = played.number == 2 and dice.happens(quirks.unknown_times)
            sides = (str(played.number), str(played.defender), str(played.winner))
            times = (clock(played.limit), clock(0 if is_timeless else played.actual))
            header = [kind.server_name, game_map.name, config, *sides, *times]
            if duration:
                thousandths = played.played * 1000 + dice.below(1000)
                header.append(duration % (thousandths if duration == "%d" else thousandths / 1000))
            others = bot_lines(bots, played.number, played.played / 60, kind.layout)
            newline = "\r\n" if dice.happens(quirks.crlf) else "\n"
            saved = now + _SAVED_AFTER
            stamp = datetime.fromtimestamp(saved, begin.tzinfo)
            name = f"{stamp:%Y-%m-%d-%H%M%S}-{game_map.name}-round-{played.number}.txt"
            yield GeneratedRound(
                file=GeneratedFile(name, content(header, played.lines, kind.layout, newline, others), saved),
                is_lost=dice.happens(quirks.lost_files),
                match=match,
                number=played.number,
                map_name=game_map.name,
                defender=played.defender,
                winner=played.winner,
                limit_seconds=played.limit,
                actual_seconds=None if is_timeless else played.actual,
                played_seconds=played.played,
                outcome=played.outcome,
                layout=kind.layout,
                tallies=tuple(played.tallies),
                reset_guid=played.reset_guid,
            )
