"""Compute a round alone: RawRound and the RawRound of its round 1 -> Round.

In round 2's file, cumulative fields include round 1, per-round fields do not. So round 1 is subtracted from
cumulative fields, per-round fields are taken as recorded, and ratios are computed from the results. A counter
lower than in round 1 was reset; then the line contains round 2 alone.
"""

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from operator import itemgetter

from etstats.domain.fields import BULLET_WEAPONS, FIELDS
from etstats.domain.names import clean_name
from etstats.domain.rounds import (
    CUMULATIVE,
    PER_ROUND,
    BotRounds,
    PlayerRound,
    RawPlayer,
    RawRound,
    Round,
    WeaponStats,
)
from etstats.domain.rules.pairing import ENOUGH_LINES

# Time played is recorded in tenths of a minute: the difference of two is off by at most 6 s. The shortest real
# surrender ends 18 s before its limit.
_PLAYED_OUT_SECONDS = 15


_NEVER_USED = WeaponStats("", 0, 0, 0, 0, 0)

_UNUSED = (0, 0, 0, 0, 0)
_NO_COUNTS: tuple[tuple[int, ...], ...] = ((),) * 6

# bullets_fired is summed over the weapons, and the time played is stored in seconds.
_COMPUTED = ("bullets_fired", "time_played_minutes")
_totals = itemgetter(
    *(index for index, field in enumerate(FIELDS) if field.behaviour == CUMULATIVE and field.name not in _COMPUTED)
)
_per_round = itemgetter(*(index for index, field in enumerate(FIELDS) if field.behaviour == PER_ROUND))


class Rule(Enum):
    """How a player's numbers in a round are computed from the player's line."""

    ROUND_1 = "round 1: the line as recorded"
    SPLIT = "round 2: cumulative fields minus round 1's, per-round fields as recorded"
    RESET = "round 2 after a counter reset (the player reconnected): the line as recorded"
    JOINED = "round 2 of a player who was not in round 1: the line as recorded"
    CUMULATIVE = "round 2 without its round 1: the line as recorded, both rounds together"
    OWN = "round 2 without its round 1, on fresh counters: the line as recorded"
    ABSENT = "no more time played than in round 1: did not play round 2"


def derive(raw: RawRound, round1: RawRound | None = None, *, stopwatch: bool = True) -> Round:
    """Return the round alone; `round1` is the file paired with it, None for a round 1 or an unpaired round 2.

    Without `stopwatch`, each round is a match: `round1` is the previous map if the counters continued from it.
    """
    cumulative = stopwatch and is_cumulative(raw, round1)
    firsts = {player.guid: player for player in round1.players} if round1 else {}
    players = tuple(_players(raw, firsts, round1 is not None, skips=not stopwatch))
    played = _played_seconds(raw, players, _unidentified_seconds(raw, round1, skips=not stopwatch), cumulative)
    outcome = _outcome(raw, played)
    return Round(
        name=raw.name,
        config=raw.config,
        defender_team=raw.defender_team,
        winner_team=raw.winner_team,
        time_limit_seconds=raw.time_limit_seconds,
        actual_time_seconds=raw.actual_time_seconds,
        played_seconds=played,
        duration_seconds=_duration(raw, outcome, played),
        held=_held(raw, round1, stopwatch=stopwatch) if outcome == "fullhold" else None,
        round_outcome=outcome,
        is_cumulative=cumulative,
        players=players,
        bots=len(raw.bots),
        anonymous=len(raw.anonymous),
        has_enough_humans=BotRounds.HUMANS.counts(len(players) + len(raw.anonymous), len(raw.bots)),
    )


def is_cumulative(raw: RawRound, round1: RawRound | None) -> bool:
    """Return whether a round 2 has no round 1 and its counters include an earlier round."""
    return (
        raw.name.round_number == 2
        and round1 is None
        and any((player.rounds or 0) >= 1 for player in (*raw.players, *raw.bots, *raw.anonymous))
    )


def rule_of(
    player: RawPlayer, first: RawPlayer | None, round_number: int, has_round1: bool, *, skips: bool = False
) -> Rule:
    """Return the rule for a player's line; `first` is the same player's line in round 1, if any.

    `skips`: the line may include further rounds, because without stopwatch files of maps may be missing.
    """
    if round_number == 1:
        return Rule.ROUND_1
    if not has_round1:
        return Rule.CUMULATIVE if (player.rounds or 0) >= 1 else Rule.OWN
    if first is None:
        return Rule.JOINED
    if not _goes_on(player, first, skips=skips) or _fell(player, first):
        return Rule.RESET
    if _is_unchanged(player, first):
        return Rule.ABSENT
    return Rule.SPLIT


def _goes_on(player: RawPlayer, first: RawPlayer, *, skips: bool) -> bool:
    if player.rounds is None or first.rounds is None:
        return True
    return player.rounds > first.rounds if skips else player.rounds == first.rounds + 1


def holds(second: RawRound, first: RawRound, *, skips: bool = False) -> int:
    """Return how many lines show that the counters of a round 2 include this round 1; 0: they do not.

    They do if, of the players whose counters include an earlier round, all were in round 1 with `rounds` one lower
    and no larger counter; or at least three and at least half (the others were reset). `skips`: `rounds` may be
    lower by more than one.
    """
    firsts = {player.guid: player for player in first.players}
    cumulative = carried_lines(second)
    carried = sum(
        player.guid in firsts
        and rule_of(player, firsts[player.guid], 2, has_round1=True, skips=skips) in (Rule.SPLIT, Rule.ABSENT)
        for player in cumulative
    )
    is_proof = carried == len(cumulative) or (carried >= ENOUGH_LINES and 2 * carried >= len(cumulative))
    return carried if is_proof else 0


def carried_lines(raw: RawRound) -> list[RawPlayer]:
    """Return the players whose counters include, or may include, an earlier round."""
    return [player for player in raw.players if player.rounds is None or player.rounds >= 1]


def played_seconds(player: RawPlayer) -> int:
    """Return the time played in seconds; the file has tenths of a minute."""
    return round(player.fields.time_played_minutes * 60)


def _players(
    raw: RawRound, firsts: dict[str, RawPlayer], has_round1: bool, *, skips: bool
) -> Iterable[PlayerRound]:
    for player in raw.players:
        first = firsts.get(player.guid)
        rule = rule_of(player, first, raw.name.round_number, has_round1, skips=skips)
        if rule is Rule.SPLIT and first is not None:
            yield _player(player, first, was_reset=False)
        elif rule is not Rule.ABSENT:
            yield _player(player, None, was_reset=rule is Rule.RESET)


def _fell(player: RawPlayer, first: RawPlayer) -> bool:
    new, old = player.fields, first.fields
    return (
        new.time_played_minutes < old.time_played_minutes
        or new.damage_given < old.damage_given
        or new.damage_received < old.damage_received
        or _weapons_fell(player.weapons, first.weapons)
    )


def _is_unchanged(player: RawPlayer, first: RawPlayer) -> bool:
    """Return whether neither time nor counters increased; less than 3 s of play do not increase the time."""
    new, old = player.fields, first.fields
    return (
        new.time_played_minutes == old.time_played_minutes
        and _totals(new) == _totals(old)
        and [_without_knife_shots(weapon) for weapon in player.weapons]
        == [_without_knife_shots(weapon) for weapon in first.weapons]
    )


def _without_knife_shots(weapon: WeaponStats) -> WeaponStats:
    """Return a weapon without KNIFE shots, which the game loses between the rounds."""
    return weapon._replace(shots=0) if weapon.name == "KNIFE" else weapon


def _weapons_fell(weapons: tuple[WeaponStats, ...], firsts: tuple[WeaponStats, ...]) -> bool:
    """Return whether a weapon's counter is lower than in round 1, except KNIFE shots."""
    now = {weapon.name: weapon for weapon in weapons}
    for old in firsts:
        new = now.get(old.name, _NEVER_USED)
        hits, headshots = new.hits - old.hits, new.headshots - old.headshots
        if hits < 0 or not 0 <= headshots <= hits or new.kills < old.kills or new.deaths < old.deaths:
            return True
        if new.shots < old.shots and old.name != "KNIFE":
            return True
    return False


def _player(player: RawPlayer, first: RawPlayer | None, *, was_reset: bool) -> PlayerRound:
    fields = player.fields
    weapons = _minus(player.weapons, first.weapons) if first else player.weapons
    weapons = tuple([weapon for weapon in weapons if weapon[1:] != _UNUSED])
    _, _, shots, kills, deaths, headshots = zip(*weapons, strict=True) if weapons else _NO_COUNTS
    bullets = [weapon for weapon in weapons if weapon[0] in BULLET_WEAPONS]
    seconds = played_seconds(player) - (played_seconds(first) if first else 0)
    totals = _totals(fields)
    if first:
        totals = tuple(map(_difference, totals, _totals(first.fields)))
    return PlayerRound._make(
        (
            player.guid,
            player.name,
            clean_name(player.name),
            player.team,
            was_reset,
            sum(kills),
            sum(deaths),
            sum(headshots),
            sum([bullet.hits for bullet in bullets]),
            sum([bullet.shots for bullet in bullets]),
            sum(shots),
            *totals,
            seconds,
            _share(player, first, seconds),
            *_per_round(fields),
            weapons,
        )
    )


def _difference(both: int | None, first: int | None) -> int | None:
    return None if both is None or first is None else max(0, both - first)


def _minus(weapons: tuple[WeaponStats, ...], firsts: tuple[WeaponStats, ...]) -> tuple[WeaponStats, ...]:
    """Return round 2's weapons alone, at least 0, because the game loses KNIFE shots between the rounds."""
    before = {weapon.name: weapon for weapon in firsts}
    return tuple(_less(weapon, before[weapon.name]) if weapon.name in before else weapon for weapon in weapons)


def _less(both: WeaponStats, first: WeaponStats) -> WeaponStats:
    return WeaponStats(
        both.name,
        max(0, both.hits - first.hits),
        max(0, both.shots - first.shots),
        max(0, both.kills - first.kills),
        max(0, both.deaths - first.deaths),
        max(0, both.headshots - first.headshots),
    )


def _share(player: RawPlayer, first: RawPlayer | None, seconds: int) -> float | None:
    """Return the percentage of time spent in a team; round 1's share is subtracted, weighted by its time."""
    share = player.fields.time_played_percent
    if share is None:
        return None
    if first is not None and seconds > 0:
        if first.fields.time_played_percent is None:
            return None
        before = first.fields.time_played_percent * played_seconds(first)
        share = (share * played_seconds(player) - before) / seconds
    return round(min(100.0, max(0.0, share)), 1)


def _unidentified_seconds(raw: RawRound, round1: RawRound | None, *, skips: bool) -> int:
    """Return the longest time played of a bot or a player without a GUID in this round; 0: unknown.

    In a round 2, lines with the same GUID and name cannot be told apart, so they are not used.
    """
    if round1 is None:
        return max(map(played_seconds, (*raw.bots, *raw.anonymous)), default=0)
    firsts, longest = _unidentified(round1), 0
    for key, player in _unidentified(raw).items():
        first = firsts.get(key)
        if first is None:
            seconds = played_seconds(player) if player.rounds == 0 else 0  # renamed, if there were earlier rounds
        elif rule_of(player, first, raw.name.round_number, has_round1=True, skips=skips) is Rule.RESET:
            seconds = played_seconds(player)
        else:
            seconds = played_seconds(player) - played_seconds(first)
        longest = max(longest, seconds)
    return longest


def _unidentified(raw: RawRound) -> dict[tuple[str, str], RawPlayer]:
    """Return the bots and players without a GUID whose GUID and name occur once, by these."""
    lines = [*raw.bots, *raw.anonymous]
    times = Counter((line.guid, line.name) for line in lines)
    return {(line.guid, line.name): line for line in lines if times[line.guid, line.name] == 1}


def _played_seconds(
    raw: RawRound, players: tuple[PlayerRound, ...], unidentified: int, cumulative: bool
) -> int | None:
    """Return the time played in seconds: the header's duration, or the longest time of a player; None: unknown.

    The time of `unidentified` lines is less certain, so it does not exceed the time of the whole round.
    The times of a cumulative round 2 include round 1, which took at most the current limit. So the rest is known
    only if it fills this round's time.
    """
    longest = max((player.time_played_seconds for player in players), default=0)
    if not cumulative:
        unidentified = min(unidentified, _whole_time(raw))
    longest = max(longest, unidentified)
    duration = raw.duration_seconds
    if cumulative:
        if duration is not None:
            return duration
    elif duration is not None and longest - _PLAYED_OUT_SECONDS <= duration <= longest * 1.5 + 120:
        return max(duration, longest) if longest >= _whole_time(raw) - _PLAYED_OUT_SECONDS else duration
    else:
        return longest  # no duration, or one that differs from the players' times by more than pauses explain
    left, whole = longest - raw.time_limit_seconds, _whole_time(raw)
    return whole if left >= whole - _PLAYED_OUT_SECONDS else None


def _outcome(raw: RawRound, played: int | None) -> str:
    """Return the outcome: completed by the attackers, held to the end, or a surrender of the attackers.

    A surrender has the full limit as its actual time; only the time played distinguishes it from a full hold.
    """
    if raw.winner_team == 0:
        return "unknown"
    if raw.winner_team != raw.defender_team:
        return "completed"
    if played is None:
        return "unknown"
    return "fullhold" if played >= _whole_time(raw) - _PLAYED_OUT_SECONDS else "surrender"


def _duration(raw: RawRound, outcome: str, played: int | None) -> int | None:
    """Return the length of the round in seconds, as used in tables, posts, averages and pages."""
    limit, actual = raw.time_limit_seconds, raw.actual_time_seconds
    if outcome == "fullhold":
        return _whole_time(raw) or limit or played or None
    if outcome == "completed" and actual is not None and actual <= limit:
        return actual
    return played or None


def _held(raw: RawRound, round1: RawRound | None, *, stopwatch: bool) -> str | None:
    """Return what the defenders held until, `limit` or `set_time`; for a round 2 this needs its round 1."""
    if raw.name.round_number == 1 or not stopwatch:
        return "limit"
    if round1 is None:
        return None
    return "set_time" if raw.time_limit_seconds < round1.time_limit_seconds else "limit"


def _whole_time(raw: RawRound) -> int:
    """Return the length of a hold in seconds; an actual time above the limit is ignored."""
    limit, actual = raw.time_limit_seconds, raw.actual_time_seconds
    return limit if actual is None else min(actual, limit) or actual
