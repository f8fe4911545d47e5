"""Player ratings from combat numbers and match results.

Each player has two estimates with a variance, both in units of a log ratio (0 is the average new player):

- performance: log of kills per death and of damage given per damage received in each round, relative to the value
  expected against these opponents. Combat numbers are precise, but favour some styles of play.
- contribution: the effect on match results beyond performance. Results are noisy, so it changes slowly.

The rating `mu` is performance plus the trusted share of the contribution. That share is estimated from how well
contributions predicted results so far: if results are mostly luck, or teams are always even, it falls to 0.
Each estimate is updated as in a Kalman filter without covariances between players.
The win chance of two line-ups is logistic in their difference; its slope, the bias of attacking first and the
bias of each map are estimated too.

Ratings depend only on the rounds. Matches are rated in the order of `match_order`; `rate_match` needs only the
book and the next match. When a past match is added, changed or removed, restore the book from the rows stored
before it (`restore`) and rate again from there.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from etstats.domain.rounds import ALLIES, AXIS
from etstats.domain.rules.stopwatch import MatchOutcome, map_score

# The parameters were chosen with generated communities of known skill, partly with real files (docs/rating.md).
PERFORMANCE_DEVIATION = 0.35
CONTRIBUTION_DEVIATION = 0.4
# Variance of one round's observation: a constant for form and map, and a part that falls with exposure.
ROUND_VARIANCE = 0.05
EXPOSURE_VARIANCE = 1.4
# Damage is the less noisy of the two; its log ratio spreads less than that of kills, hence the scale.
DAMAGE_WEIGHT = 0.5
DAMAGE_SCALE = 1.2
LARGEST_OBSERVATION = 2.0
# Pseudo-counts: a round with no death or no damage has a finite ratio.
KILLS_PRIOR = 1.5
DAMAGE_PRIOR = 200
# Performance may have changed by this variance per day without a match, up to that of a newcomer.
DRIFT_PER_DAY = 0.00001
SHORTEST_TIME_SECONDS = 10

# Log odds of winning per unit of difference, of attacking first, of one more player (times the log of the ratio).
SLOPE, SLOPE_DEVIATION, SMALLEST_SLOPE = 3.0, 1.0, 0.5
# How far contributions are trusted, before their predictions show it.
TRUST, TRUST_DEVIATION, LARGEST_TRUST = 0.5, 0.6, 1.2
ATTACK_BIAS, ATTACK_BIAS_DEVIATION = -0.15, 0.3
MAP_BIAS_DEVIATION = 0.3
NUMBERS_WEIGHT = 2.0
CHANCE_LIMIT = 0.01

# Attackers die more often: the mean log ratio of an attacker, and how many rounds it counts for.
ATTACK_EDGE, EDGE_PRIOR_ROUNDS, MAP_EDGE_PRIOR_ROUNDS = -0.15, 40, 20

PROVISIONAL_ROUNDS = 20
_DAY = timedelta(days=1)
AVERAGE_POINTS, POINTS_PER_UNIT = 1500, 1000


class RatedPlayer(NamedTuple):
    """One person in one round alone; `team` 1 Axis, 2 Allies, damage in HP."""

    identity_guid: str
    team: int
    kills: int
    deaths: int
    damage_given: int
    damage_received: int
    time_played_seconds: int


class RatedRound(NamedTuple):
    """One counted round; `defender_team` and `winner_team` as in the file (0: none)."""

    server_id: int
    match_id: str
    round_number: int
    ended_at: datetime
    map_name: str
    defender_team: int
    winner_team: int
    players: Sequence[RatedPlayer]
    time_limit_seconds: int = 0


class RatedMatch(NamedTuple):
    """The rounds of one match in order; `ended_at` is that of the last one."""

    server_id: int
    match_id: str
    ended_at: datetime
    map_name: str
    rounds: tuple[RatedRound, ...]


class PlayerState(NamedTuple):
    """The state of a player after the match that ended at `ended_at`, with the trust at that time."""

    performance: float
    performance_variance: float
    contribution: float
    contribution_variance: float
    trust: float
    rounds: int
    ended_at: datetime | None

    @property
    def mu(self) -> float:
        """The rating; 0 is the average newcomer."""
        return self.performance + self.trust * self.contribution

    @property
    def variance(self) -> float:
        """The variance of `mu`."""
        return self.performance_variance + self.trust**2 * self.contribution_variance

    @property
    def sigma(self) -> float:
        """The standard deviation of `mu`."""
        return math.sqrt(self.variance)

    @property
    def is_provisional(self) -> bool:
        """True below `PROVISIONAL_ROUNDS` rated rounds."""
        return self.rounds < PROVISIONAL_ROUNDS


class BiasState(NamedTuple):
    """The bias of attacking first in log odds, and the combat edge of attackers as a sum over rounds.

    Of one map, in addition to the bias of all maps; or of all maps.
    """

    attack_bias: float
    attack_bias_variance: float
    edge_sum: float
    edge_rounds: int


class SlopeState(NamedTuple):
    """Log odds of winning per unit of difference between two line-ups, and how far contributions are trusted.

    `trust`: by how much the contributions known before a match predict its result (0 not at all, 1 in full).
    """

    slope: float
    variance: float
    trust: float
    trust_variance: float


NEWCOMER = PlayerState(0.0, PERFORMANCE_DEVIATION**2, 0.0, CONTRIBUTION_DEVIATION**2, TRUST, 0, None)
ANY_MAP = BiasState(ATTACK_BIAS, ATTACK_BIAS_DEVIATION**2, 0.0, 0)
NEW_MAP = BiasState(0.0, MAP_BIAS_DEVIATION**2, 0.0, 0)
FIRST_SLOPE = SlopeState(SLOPE, SLOPE_DEVIATION**2, TRUST, TRUST_DEVIATION**2)


@dataclass(slots=True, kw_only=True)
class RatingBook:
    """The state that the next match depends on; `rate_match` updates it in place."""

    players: dict[str, PlayerState] = field(default_factory=dict)
    maps: dict[str, BiasState] = field(default_factory=dict)
    any_map: BiasState = ANY_MAP
    slope: SlopeState = FIRST_SLOPE

    def player(self, identity_guid: str) -> PlayerState:
        """Return the player's state, or that of a new player."""
        return self.players.get(identity_guid, NEWCOMER)


class RatingRow(NamedTuple):
    """A player's rating after one match, and its change by that match.

    `side`: that of the player's team in round 1 (1 Axis, 2 Allies), None for a player who changed teams.
    """

    identity_guid: str
    server_id: int
    match_id: str
    ended_at: datetime
    mu: float
    sigma: float
    delta: float
    state: PlayerState
    side: int | None


class MatchRow(NamedTuple):
    """The other changes by a match, and its prediction.

    `chance`: of round 1's Axis to win, from earlier matches only. `result`: 1 they won, 0.5 draw, 0 they lost.
    Both are None for a match without a result. `advantage` of Axis before the match, None when a side was empty.
    """

    server_id: int
    match_id: str
    ended_at: datetime
    map_name: str
    chance: float | None
    result: float | None
    advantage: float | None
    map_bias: BiasState
    any_map: BiasState
    slope: SlopeState


class LineUps(NamedTuple):
    """The sides in round 1, by GUID; `attacks_first` 1 Axis, 2 Allies, 0 unknown."""

    axis: tuple[str, ...]
    allies: tuple[str, ...]
    attacks_first: int


def match_order(match: RatedMatch) -> tuple[datetime, str, list[str]]:
    """Return the key by which matches are rated: end, match, players. It depends on no database id."""
    return match.ended_at, match.match_id, sorted(player.identity_guid for player in match.rounds[0].players)


def matches_of(rounds: Iterable[RatedRound]) -> list[RatedMatch]:
    """Return the matches of these rounds in the order in which they are rated."""
    grouped: dict[tuple[int, str], list[RatedRound]] = {}
    for round_ in rounds:
        grouped.setdefault((round_.server_id, round_.match_id), []).append(round_)
    matches = []
    for (server_id, match_id), group in grouped.items():
        group.sort(key=lambda round_: (round_.round_number, round_.ended_at))
        last = max(round_.ended_at for round_ in group)
        matches.append(RatedMatch(server_id, match_id, last, group[0].map_name, tuple(group)))
    return sorted(matches, key=match_order)


def rate_matches(book: RatingBook, matches: Iterable[RatedMatch]) -> Iterator[tuple[list[RatingRow], MatchRow]]:
    """Rate matches that are in order, and yield the rows to store for each."""
    for match in matches:
        yield rate_match(book, match)


def rate_match(book: RatingBook, match: RatedMatch) -> tuple[list[RatingRow], MatchRow]:
    """Rate the next match: update the book, and return the rows to store.

    The result is weighed first, against the ratings before the match; then the combat of each round.
    """
    teams = _teams(match)
    before = {guid: book.player(guid) for guid in teams}
    for guid, state in before.items():
        book.players[guid] = _drifted(state, match.ended_at)
    sides = line_ups(match)
    result = _result(match, sides)
    lead = chance = None
    if sides.axis and sides.allies:
        forecast = _forecast_line_ups(book, *sides, match.map_name)
        lead = forecast.advantage
        if result is not None:
            chance = _shrunk_chance(forecast)
            _rate_result(book, match, teams, sides.attacks_first, result)
    for round_ in match.rounds:
        _rate_combat(book, round_)
    began_as = _began_as(match)
    rows = [
        RatingRow(
            guid,
            match.server_id,
            match.match_id,
            match.ended_at,
            after.mu,
            after.sigma,
            after.mu - state.mu,
            after,
            began_as.get(guid),
        )
        for guid, state in before.items()
        for after in (book.players[guid],)
    ]
    map_bias = book.maps.get(match.map_name, NEW_MAP)
    return rows, MatchRow(
        match.server_id,
        match.match_id,
        match.ended_at,
        match.map_name,
        chance,
        result,
        lead,
        map_bias,
        book.any_map,
        book.slope,
    )


def restore(
    players: Mapping[str, PlayerState], maps: Mapping[str, BiasState], last: MatchRow | None
) -> RatingBook:
    """Return the book as it was after the match `last`, None: before the first one.

    `players`, `maps`: the latest state of each identity and map in the rows up to and including that match.
    """
    if last is None:
        return RatingBook()
    return RatingBook(players=dict(players), maps=dict(maps), any_map=last.any_map, slope=last.slope)


def _result(match: RatedMatch, sides: LineUps) -> float | None:
    """Return 1 when round 1's Axis won the match, 0.5 for a draw, 0 when they lost.

    None without a result: a round is missing or had no winner, or a side was empty when the match began.
    """
    if [round_.round_number for round_ in match.rounds] != [1, 2] or not sides.axis or not sides.allies:
        return None
    first, second = (
        MatchOutcome(
            defender_team=round_.defender_team,
            winner_team=round_.winner_team,
            time_limit_seconds=round_.time_limit_seconds,
        )
        for round_ in match.rounds
    )
    score = map_score(first, second)
    return None if score is None else score[0] / 2


def line_ups(match: RatedMatch) -> LineUps:
    """Return the sides at the start of the match."""
    first = match.rounds[0]
    sides = [
        tuple(sorted(player.identity_guid for player in first.players if player.team == team))
        for team in (AXIS, ALLIES)
    ]
    attacks_first = 3 - first.defender_team if first.defender_team in (AXIS, ALLIES) else 0
    return LineUps(sides[0], sides[1], attacks_first)


def win_chance(
    book: RatingBook,
    line_up1: Sequence[str],
    line_up2: Sequence[str],
    attacks_first: int = 0,
    map_name: str | None = None,
) -> float:
    """Return the probability (0 to 1, a draw is half a win) that the first of two line-ups wins a match.

    `attacks_first`: 1 or 2, the line-up that attacks in round 1, 0 unknown. Unknown players count as average.
    Raise ValueError when a line-up is empty.
    """
    if not line_up1 or not line_up2:
        raise ValueError("a line-up must have at least one player")
    return _shrunk_chance(_forecast_line_ups(book, line_up1, line_up2, attacks_first, map_name))


def advantage(book: RatingBook, line_up1: Sequence[str], line_up2: Sequence[str]) -> float:
    """Return the log odds of the first line-up to win by its players' ratings, without map and side."""
    return _forecast_line_ups(book, line_up1, line_up2, 0, None).advantage


def points(mu: float) -> int:
    """Return the rating as shown: 1500 is the average newcomer."""
    return round(AVERAGE_POINTS + POINTS_PER_UNIT * mu)


def interval(mu: float, sigma: float) -> tuple[int, int]:
    """Return the 95 % interval of a rating as shown."""
    return points(mu - 1.96 * sigma), points(mu + 1.96 * sigma)


class _Forecast(NamedTuple):
    """Log odds that the first team wins, their variance, and what they were made of.

    `advantage`: the log odds without those of sides and map.
    """

    log_odds: float
    advantage: float
    variance: float
    difference: float
    scale: float
    weight1: float
    weight2: float


_Team = Sequence[tuple[PlayerState, float]]


def _forecast(book: RatingBook, map_bias: BiasState, team1: _Team, team2: _Team, direction: int) -> _Forecast:
    """Forecast a match; each player has a weight (1: the whole match), direction is 1 if team 1 attacks first.

    The difference is that of the means times the root of the team size: in larger teams luck averages out.
    """
    means, variances, weights = [], [], []
    for team in (team1, team2):
        weight = mean = variance = 0.0
        for state, share in team:
            weight += share
            mean += state.mu * share
            variance += state.variance * share * share
        means.append(mean / weight)
        variances.append(variance / weight**2)
        weights.append(weight)
    scale = math.sqrt(2 * weights[0] * weights[1] / (weights[0] + weights[1]))
    difference = scale * (means[0] - means[1])
    slope, slope_variance = book.slope[:2]
    advantage = log_odds = slope * difference + NUMBERS_WEIGHT * math.log(weights[0] / weights[1])
    variance = (slope * scale) ** 2 * sum(variances) + difference**2 * slope_variance
    if direction:
        log_odds += direction * (book.any_map.attack_bias + map_bias.attack_bias)
        variance += book.any_map.attack_bias_variance + map_bias.attack_bias_variance
    return _Forecast(log_odds, advantage, variance, difference, scale, weights[0], weights[1])


def _forecast_line_ups(
    book: RatingBook,
    line_up1: Sequence[str],
    line_up2: Sequence[str],
    attacks_first: int,
    map_name: str | None,
) -> _Forecast:
    teams = [[(book.player(guid), 1.0) for guid in sorted(line_up)] for line_up in (line_up1, line_up2)]
    bias = book.maps.get(map_name, NEW_MAP) if map_name is not None else NEW_MAP
    return _forecast(book, bias, teams[0], teams[1], _direction(attacks_first))


def _shrunk_chance(forecast: _Forecast) -> float:
    """Return the chance of the first team, shrunk to one half by the uncertainty."""
    return _chance(forecast.log_odds / math.sqrt(1 + math.pi / 8 * forecast.variance))


def _chance(log_odds: float) -> float:
    limit = math.log(1 / CHANCE_LIMIT - 1)
    return 1 / (1 + math.exp(-min(limit, max(-limit, log_odds))))


def _direction(attacks_first: int) -> int:
    return {1: 1, 2: -1}.get(attacks_first, 0)


def _drifted(state: PlayerState, moment: datetime) -> PlayerState:
    """Return the state at a later time, with a larger variance of performance."""
    performance, variance, contribution, contribution_variance, trust, rounds, ended_at = state
    if ended_at is not None:
        days = max(0.0, (moment - ended_at) / _DAY)
        variance = min(NEWCOMER.performance_variance, variance + DRIFT_PER_DAY * days)
    return PlayerState(performance, variance, contribution, contribution_variance, trust, rounds, moment)


def _teams(match: RatedMatch) -> dict[str, float]:
    """Return each player's part in the match in seconds, by GUID: positive with round 1's Axis, negative against.

    Sides swap between the rounds. Sorted by GUID, so that sums do not depend on the order of the lines.
    """
    seconds: dict[str, float] = {}
    for round_ in match.rounds:
        for player in round_.players:
            if player.team in (AXIS, ALLIES) and player.time_played_seconds >= SHORTEST_TIME_SECONDS:
                began_as_axis = (player.team == AXIS) == (round_.round_number == 1)
                part = player.time_played_seconds if began_as_axis else -player.time_played_seconds
                seconds[player.identity_guid] = seconds.get(player.identity_guid, 0) + part
    return dict(sorted(seconds.items()))


def _began_as(match: RatedMatch) -> dict[str, int | None]:
    """Return the side of each player's team in round 1, None for a player of both teams."""
    sides: dict[str, int | None] = {}
    for round_ in match.rounds:
        for guid, team, *_ in round_.players:
            if team in (AXIS, ALLIES):
                side = team if round_.round_number == 1 else 3 - team
                sides[guid] = side if sides.setdefault(guid, side) == side else None
    return sides


def _rate_result(
    book: RatingBook, match: RatedMatch, parts: Mapping[str, float], attacks_first: int, result: float
) -> None:
    """Update players, biases and slope by the result: each in proportion to its variance and its part in it."""
    longest = max(map(abs, parts.values()), default=0)
    if not longest:
        return
    weights = {guid: abs(part) / longest for guid, part in parts.items() if part}
    teams = [
        [(book.players[guid], weight) for guid, weight in weights.items() if (parts[guid] > 0) == is_first]
        for is_first in (True, False)
    ]
    if not teams[0] or not teams[1]:
        return
    direction = _direction(attacks_first)
    map_bias = book.maps.get(match.map_name, NEW_MAP)
    forecast = _forecast(book, map_bias, teams[0], teams[1], direction)
    chance = _chance(forecast.log_odds)
    information = chance * (1 - chance)
    total = 1 / information + forecast.variance
    step = (result - chance) / information / total
    effect = book.slope.slope * forecast.scale
    credit = forecast.scale * (
        sum(state.contribution * weight for state, weight in teams[0]) / forecast.weight1
        - sum(state.contribution * weight for state, weight in teams[1]) / forecast.weight2
    )
    by_trust = book.slope.slope * credit * book.slope.trust_variance
    trust_total = total + by_trust * book.slope.slope * credit
    trust = min(
        LARGEST_TRUST, max(0.0, book.slope.trust + by_trust * (result - chance) / information / trust_total)
    )
    for guid, weight in weights.items():
        state = book.players[guid]
        share = effect * weight / (forecast.weight1 if parts[guid] > 0 else -forecast.weight2)
        by_performance, by_contribution = (
            share * state.performance_variance,
            share * state.contribution_variance,
        )
        book.players[guid] = PlayerState(
            state.performance + by_performance * step,
            state.performance_variance - by_performance**2 / total,
            state.contribution + by_contribution * step,
            state.contribution_variance - by_contribution**2 / total,
            trust,
            state.rounds,
            state.ended_at,
        )
    by_slope = forecast.difference * book.slope.variance
    book.slope = SlopeState(
        max(SMALLEST_SLOPE, book.slope.slope + by_slope * step),
        book.slope.variance - by_slope**2 / total,
        trust,
        book.slope.trust_variance - by_trust**2 / trust_total,
    )
    if direction:
        book.maps[match.map_name] = _with_bias(map_bias, direction * step, total)
        book.any_map = _with_bias(book.any_map, direction * step, total)


def _with_bias(bias: BiasState, step: float, total: float) -> BiasState:
    variance = bias.attack_bias_variance
    return bias._replace(
        attack_bias=bias.attack_bias + variance * step, attack_bias_variance=variance - variance**2 / total
    )


def _rate_combat(book: RatingBook, round_: RatedRound) -> None:
    """Update performance by a round: each player's log ratio relative to that expected against the opponents.

    The expectation uses the ratings before the round. A round with an identity twice is skipped.
    """
    sides: tuple[list[RatedPlayer], list[RatedPlayer]] = ([], [])
    for player in sorted(round_.players):
        if player.team in (AXIS, ALLIES) and player.time_played_seconds >= SHORTEST_TIME_SECONDS:
            sides[player.team - 1].append(player)
    count = len(sides[0]) + len(sides[1])
    if not sides[0] or not sides[1] or len({player.identity_guid for side in sides for player in side}) < count:
        return
    means, variances = [], []
    for side in sides:
        total = sum(player.time_played_seconds for player in side)
        states = [(book.players[player.identity_guid], player.time_played_seconds / total) for player in side]
        means.append(sum(state.performance * share for state, share in states))
        variances.append(sum(state.performance_variance * share * share for state, share in states))
    map_bias = book.maps.get(round_.map_name, NEW_MAP)
    expected_edge = _edge(book.any_map, map_bias)
    attackers = 2 - round_.defender_team if round_.defender_team in (AXIS, ALLIES) else None
    surprise = [0.0, 0.0]
    for index, side in enumerate(sides):
        edge = 0.0 if attackers is None else expected_edge if index == attackers else -expected_edge
        for player in side:
            state = book.players[player.identity_guid]
            error = _observed(player) - (state.performance - means[1 - index])
            surprise[index] += error / len(side)
            exposure = 1 + max(0, player.kills) + max(0, player.deaths)
            variance = ROUND_VARIANCE + EXPOSURE_VARIANCE / exposure
            gain = state.performance_variance / (state.performance_variance + variances[1 - index] + variance)
            book.players[player.identity_guid] = PlayerState(
                state.performance + gain * (error - edge),
                state.performance_variance * (1 - gain),
                state.contribution,
                state.contribution_variance,
                state.trust,
                state.rounds + 1,
                state.ended_at,
            )
    if attackers is not None:
        observed_edge = (surprise[attackers] - surprise[1 - attackers]) / 2
        book.maps[round_.map_name] = _with_edge(map_bias, observed_edge)
        book.any_map = _with_edge(book.any_map, observed_edge)


def _observed(player: RatedPlayer) -> float:
    """Return the log ratio of one player in one round: kills to deaths, and damage given to received."""
    kills = _log_ratio(player.kills, player.deaths, KILLS_PRIOR)
    damage = _log_ratio(player.damage_given, player.damage_received, DAMAGE_PRIOR)
    observed = (1 - DAMAGE_WEIGHT) * kills + DAMAGE_WEIGHT * DAMAGE_SCALE * damage
    return min(LARGEST_OBSERVATION, max(-LARGEST_OBSERVATION, observed))


def _log_ratio(given: int, received: int, prior: float) -> float:
    return math.log(((given if given > 0 else 0) + prior) / ((received if received > 0 else 0) + prior))


def _edge(any_map: BiasState, map_bias: BiasState) -> float:
    """Return the expected log ratio of attackers on a map, shrunk to that of all maps."""
    common = (ATTACK_EDGE * EDGE_PRIOR_ROUNDS + any_map.edge_sum) / (EDGE_PRIOR_ROUNDS + any_map.edge_rounds)
    return (common * MAP_EDGE_PRIOR_ROUNDS + map_bias.edge_sum) / (MAP_EDGE_PRIOR_ROUNDS + map_bias.edge_rounds)


def _with_edge(bias: BiasState, edge: float) -> BiasState:
    return bias._replace(edge_sum=bias.edge_sum + edge, edge_rounds=bias.edge_rounds + 1)
