"""Generated communities whose players have a known strength, to test what a rating recovers of it.

The worth of a player decides, with luck, how fast an attack is. The scoreboard shows it through a style: a medic
has fewer kills than a hunter of the same worth. Friends come together and mostly play together. It shares no
formula with the rating.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from etstats.domain.rules.rating import RatedPlayer, RatedRound, RatingBook, matches_of, rate_matches
from etstats.domain.rules.rating_check import OPENSKILL_BETAS, WARM_UP, predict_from_results, score

_ATTACK_SIDE, _DEFENCE_SIDE = 2, 1
_FRIENDS = (1, 1, 2, 3, 4)


class Style(NamedTuple):
    """What a style of play adds to the logarithms of a player's kills, deaths and damage."""

    kills: float
    deaths: float
    damage: float


STYLES = (
    Style(0.0, 0.0, 0.0),
    Style(-0.18, -0.05, -0.1),
    Style(-0.2, 0.12, -0.15),
    Style(0.22, -0.05, 0.15),
    Style(-0.1, 0.05, 0.1),
)


class Member(NamedTuple):
    """One player; `worth` has mean 0 and standard deviation 1, `activity` is relative."""

    guid: str
    worth: float
    style: Style
    habit: float
    activity: float
    group: int


class GameMap(NamedTuple):
    """One map: seconds that an even attack takes, its limit, and the defenders' edge in combat."""

    name: str
    attack_seconds: float
    limit: int
    edge: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """How a community plays.

    `skill_to_time`: how much worth shortens an attack, against `luck`, the deviation of its log. `together`: how
    often friends come and play together; `balanced`: how often teams are made even.
    """

    seed: int
    size: int = 24
    matches: int = 200
    team_sizes: Sequence[int] = (3, 3, 3, 4, 5)
    style_strength: float = 1.0
    luck: float = 0.35
    skill_to_time: float = 0.22
    skill_to_combat: float = 0.3
    together: float = 0.8
    balanced: float = 0.3


class Played(NamedTuple):
    """The members of a community and the rounds they played, in order."""

    members: tuple[Member, ...]
    rounds: tuple[RatedRound, ...]


def play(community: Community) -> Played:
    """Return the rounds of a community; equal settings give equal rounds."""
    dice = random.Random(community.seed)
    members = _members(dice, community)
    maps = [
        GameMap(f"map{number}", dice.uniform(200, 500), dice.choice((600, 720)), dice.gauss(0.13, 0.08))
        for number in range(9)
    ]
    rounds: list[RatedRound] = []
    now = datetime(2025, 1, 3, 20, tzinfo=UTC)
    while len(rounds) < 2 * community.matches:
        now += timedelta(days=dice.choice((1, 1, 2, 3)), minutes=dice.randrange(60))
        tonight = _attendance(dice, community, members)
        teams = _split(dice, community, tonight)
        for _ in range(min(dice.randrange(3, 11), community.matches - len(rounds) // 2)):
            if dice.random() < 0.12:
                teams = _split(dice, community, tonight)
            if dice.random() < 0.5:
                teams = teams[::-1]
            for round_ in _match(dice, community, dice.choice(maps), teams, now):
                rounds.append(round_)
                now = round_.ended_at
    return Played(members, tuple(rounds))


def _members(dice: random.Random, community: Community) -> tuple[Member, ...]:
    members: list[Member] = []
    group = 0
    while len(members) < community.size:
        group += 1
        for _ in range(min(dice.choice(_FRIENDS), community.size - len(members))):
            members.append(
                Member(
                    guid=f"{len(members):04X}{dice.getrandbits(16):04X}",
                    worth=dice.gauss(0, 1),
                    style=dice.choice(STYLES),
                    habit=dice.gauss(0, 0.08),
                    activity=math.exp(dice.gauss(0, 0.9)),
                    group=group,
                )
            )
    return tuple(members)


def _attendance(dice: random.Random, community: Community, members: Sequence[Member]) -> list[Member]:
    """Return the players of this session: active players come more often, and bring their friends."""
    wanted = min(2 * dice.choice(community.team_sizes), len(members) // 2 * 2)
    order = sorted(members, key=lambda member: dice.expovariate(1) / member.activity)
    present: dict[str, Member] = {}
    for member in order:
        friends = [
            other for other in members if other.group == member.group and dice.random() < community.together
        ]
        for person in (member, *friends):
            if len(present) < wanted:
                present[person.guid] = person
    return list(present.values())


def _split(
    dice: random.Random, community: Community, present: Sequence[Member]
) -> tuple[list[Member], list[Member]]:
    if dice.random() < community.balanced:
        ranked = sorted(present, key=lambda member: -member.worth - dice.gauss(0, 0.5))
        return ranked[0::4] + ranked[3::4], ranked[1::4] + ranked[2::4]
    places = {member.group: dice.random() for member in present}
    keep = community.together
    order = sorted(present, key=lambda member: places[member.group] if dice.random() < keep else dice.random())
    half = len(order) // 2
    return order[:half], order[half:]


def _match(
    dice: random.Random,
    community: Community,
    game_map: GameMap,
    teams: Sequence[Sequence[Member]],
    begin: datetime,
) -> Iterator[RatedRound]:
    """Yield both rounds of a match; the first team attacks first."""
    match_id = f"{begin:%Y-%m-%d-%H%M%S}-{game_map.name}"
    limit, now = game_map.limit, begin
    for number, (attack, defence) in enumerate((teams, teams[::-1]), start=1):
        strength = [sum(member.worth for member in team) / math.sqrt(len(team)) for team in (attack, defence)]
        advantage = community.skill_to_time * (strength[0] - strength[1])
        numbers = 0.8 * math.log(len(attack) / len(defence))
        needed = game_map.attack_seconds * math.exp(dice.gauss(0, community.luck) - advantage - numbers)
        is_held = needed >= limit
        played = limit if is_held else max(20, int(needed))
        now += timedelta(seconds=played + 90)
        yield RatedRound(
            server_id=1,
            match_id=match_id,
            round_number=number,
            ended_at=now,
            map_name=game_map.name,
            defender_team=_DEFENCE_SIDE,
            winner_team=_DEFENCE_SIDE if is_held else _ATTACK_SIDE,
            players=tuple(_combat(dice, community, game_map, attack, defence, played)),
        )
        limit = played


def _combat(
    dice: random.Random,
    community: Community,
    game_map: GameMap,
    attack: Sequence[Member],
    defence: Sequence[Member],
    played: int,
) -> Iterator[RatedPlayer]:
    """Yield the scoreboard of a round: each kill has a victim, and damage that is given is received."""
    half = community.skill_to_combat / 2
    form = {member.guid: dice.gauss(0, 0.15) for member in (*attack, *defence)}
    counts = {member.guid: [0, 0, 0, 0] for member in (*attack, *defence)}
    for side, others, edge in ((attack, defence, -game_map.edge), (defence, attack, game_map.edge)):
        weakness = [
            math.exp(
                community.style_strength * other.style.deaths
                - half * other.worth
                + other.habit
                - 0.3 * form[other.guid]
            )
            for other in others
        ]
        for member in side:
            rate = half * member.worth + member.habit + community.style_strength * member.style.kills
            expected = played / 50 * math.exp(rate + edge + form[member.guid]) * sum(weakness) / len(others)
            kills = max(0, round(dice.gauss(expected, math.sqrt(expected))))
            wounds = math.exp(community.style_strength * member.style.damage) * expected
            hits = [dice.randrange(70, 150) for _ in range(kills)] + [
                int(wounds * dice.uniform(5, 35)) for _ in range(6)
            ]
            for number, (other, damage) in enumerate(
                zip(dice.choices(others, weakness, k=len(hits)), hits, strict=True)
            ):
                if number < kills:
                    counts[member.guid][0] += 1
                    counts[other.guid][1] += 1
                counts[member.guid][2] += damage
                counts[other.guid][3] += damage
    for team, side in ((_ATTACK_SIDE, attack), (_DEFENCE_SIDE, defence)):
        for member in side:
            kills, deaths, given, received = counts[member.guid]
            yield RatedPlayer(member.guid, team, kills, deaths, given, received, played)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation of two lists without ties."""
    places = []
    for values in (first, second):
        order = sorted(range(len(values)), key=values.__getitem__)
        ranks = [0] * len(values)
        for place, index in enumerate(order):
            ranks[index] = place
        places.append(ranks)
    count = len(first)
    squares = sum((one - other) ** 2 for one, other in zip(*places, strict=True))
    return float(1 - 6 * squares / (count * (count**2 - 1)))


def correlations(community: Played) -> tuple[float, float, float]:
    """Return the rank correlation of true worth with rating, K/D and results, of players with 20 rounds or more.

    Results: openskill with the setting that predicted best.
    """
    matches = matches_of(community.rounds)
    book = RatingBook()
    results = [row.result for _, row in rate_matches(book, matches)]
    candidates = [predict_from_results(matches, results, beta) for beta in OPENSKILL_BETAS]
    by_results = min(candidates, key=lambda candidate: score(candidate.predictions[WARM_UP:]).log_loss or 0).mu
    sums: dict[str, list[int]] = {}
    for round_ in community.rounds:
        for player in round_.players:
            totals = sums.setdefault(player.identity_guid, [0, 0])
            totals[0] += player.kills
            totals[1] += player.deaths
    members = [
        member
        for member in community.members
        if member.guid in sums and not book.player(member.guid).is_provisional
    ]
    worth = [member.worth for member in members]
    return (
        rank_correlation(worth, [book.player(member.guid).mu for member in members]),
        rank_correlation(worth, [sums[member.guid][0] / sums[member.guid][1] for member in members]),
        rank_correlation(worth, [by_results[member.guid] for member in members]),
    )
