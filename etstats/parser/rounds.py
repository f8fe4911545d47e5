"""RawRound, and the round 1 it follows -> Round: this round alone.

Round 2's file holds both rounds where a field is cumulative, and round 2 alone where it is per round. So:
subtract what is cumulative, take what is per round, and leave every ratio to be computed from the results.
Counters that fell between the rounds were reset, as in any metrics system: then the line is round 2's already.
"""

from collections.abc import Iterable
from enum import Enum
from operator import itemgetter

from etstats.domain.rounds import CUMULATIVE, PER_ROUND, PlayerRound, RawPlayer, RawRound, Round, WeaponStats
from etstats.parser.fields import BULLET_WEAPONS, FIELDS
from etstats.parser.names import clean_name

# Time played is written in tenths of a minute: two of them are off by 6 s at most. The shortest real surrender
# is 18 s short of its limit.
_PLAYED_OUT_SECONDS = 15


_NEVER_USED = WeaponStats("", 0, 0, 0, 0, 0)

_UNUSED = (0, 0, 0, 0, 0)
_NO_COUNTS: tuple[tuple[int, ...], ...] = ((),) * 6

# bullets_fired is summed over the weapons, and the time played is stored in seconds.
_COMPUTED = ("bullets_fired", "time_played_minutes")
_totals = itemgetter(
    *(n for n, field in enumerate(FIELDS) if field.behaviour == CUMULATIVE and field.name not in _COMPUTED)
)
_per_round = itemgetter(*(n for n, field in enumerate(FIELDS) if field.behaviour == PER_ROUND))


class Rule(Enum):
    """How a player's line became the player's numbers in this round."""

    ROUND_1 = "round 1: the line as it stands"
    SPLIT = "round 2: cumulative fields minus round 1's, per-round fields as they stand"
    RESET = "round 2 after a counter reset (the player reconnected): the line as it stands"
    JOINED = "round 2 of a player who was not in round 1: the line as it stands"
    CUMULATIVE = "round 2 without its round 1: the line as it stands, both rounds together"
    OWN = "round 2 without its round 1, on fresh counters: the line as it stands"
    ABSENT = "no more time played than in round 1: did not play round 2"


def derive(raw: RawRound, round1: RawRound | None = None) -> Round:
    """The round alone; `round1` is the file it was paired with, None for a round 1 or an orphan."""
    cumulative = is_cumulative(raw, round1)
    firsts = {p.guid: p for p in round1.players} if round1 else {}
    players = tuple(_players(raw, firsts, round1 is not None))
    played = _played_seconds(raw, players, cumulative)
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
        held=_held(raw, round1) if outcome == "fullhold" else None,
        round_outcome=outcome,
        is_cumulative=cumulative,
        players=players,
        bots=len(raw.bots),
        anonymous=len(raw.anonymous),
    )


def is_cumulative(raw: RawRound, round1: RawRound | None) -> bool:
    """True for a round 2 that stands alone and whose counters hold an earlier round as well."""
    return (
        raw.name.round_number == 2
        and round1 is None
        and any((p.rounds or 0) >= 1 for p in (*raw.players, *raw.bots, *raw.anonymous))
    )


def rule_of(player: RawPlayer, first: RawPlayer | None, round_number: int, has_round1: bool) -> Rule:
    """Which rule a player's line falls under; `first` is the same player's line in round 1, if any."""
    if round_number == 1:
        return Rule.ROUND_1
    if not has_round1:
        return Rule.CUMULATIVE if (player.rounds or 0) >= 1 else Rule.OWN
    if first is None:
        return Rule.JOINED
    is_next = None in (player.rounds, first.rounds) or player.rounds == (first.rounds or 0) + 1
    if not is_next or _fell(player, first):
        return Rule.RESET
    if _is_unchanged(player, first):
        return Rule.ABSENT
    return Rule.SPLIT


def played_seconds(player: RawPlayer) -> int:
    """Time played by the line's own counter; the file has tenths of a minute."""
    return round(player.fields.time_played_minutes * 60)


def _players(raw: RawRound, firsts: dict[str, RawPlayer], has_round1: bool) -> Iterable[PlayerRound]:
    for player in raw.players:
        first = firsts.get(player.guid)
        rule = rule_of(player, first, raw.name.round_number, has_round1)
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
    """Whether no time passed and no counter moved; under 3 s of play only the clock stands still."""
    new, old = player.fields, first.fields
    return (
        new.time_played_minutes == old.time_played_minutes
        and _totals(new) == _totals(old)
        and [_without_knife_shots(w) for w in player.weapons] == [_without_knife_shots(w) for w in first.weapons]
    )


def _without_knife_shots(weapon: WeaponStats) -> WeaponStats:
    """Return a weapon for comparison; the game loses KNIFE shots between the rounds."""
    return weapon._replace(shots=0) if weapon.name == "KNIFE" else weapon


def _weapons_fell(weapons: tuple[WeaponStats, ...], firsts: tuple[WeaponStats, ...]) -> bool:
    """True when a weapon's counters cannot be round 1's with a round on top; KNIFE shots alone may fall."""
    now = {w.name: w for w in weapons}
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
    weapons = tuple([w for w in weapons if w[1:] != _UNUSED])
    _, _, shots, kills, deaths, headshots = zip(*weapons, strict=True) if weapons else _NO_COUNTS
    bullets = [w for w in weapons if w[0] in BULLET_WEAPONS]
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
            sum([w.hits for w in bullets]),
            sum([w.shots for w in bullets]),
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
    """Round 2's weapons alone; the game loses a few KNIFE shots between the rounds, hence the floor of 0."""
    before = {w.name: w for w in firsts}
    return tuple(_less(w, before[w.name]) if w.name in before else w for w in weapons)


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
    """Percentage of the time spent in a team; round 1's part is taken out weighed by its time."""
    share = player.fields.time_played_percent
    if share is None:
        return None
    if first is not None and seconds > 0:
        if first.fields.time_played_percent is None:
            return None
        before = first.fields.time_played_percent * played_seconds(first)
        share = (share * played_seconds(player) - before) / seconds
    return round(min(100.0, max(0.0, share)), 1)


def _played_seconds(raw: RawRound, players: tuple[PlayerRound, ...], cumulative: bool) -> int | None:
    """The time really played: the header's duration, or the longest time any player played.

    The clocks of a cumulative round 2 ran through round 1 too, and round 1 took at most what is now the limit:
    what is left is certain only when it fills this round's time.
    """
    longest = max((p.time_played_seconds for p in players), default=0)
    duration = raw.duration_seconds
    if cumulative:
        if duration is not None:
            return duration
    elif duration is not None and longest - _PLAYED_OUT_SECONDS <= duration <= longest * 1.5 + 120:
        return max(duration, longest) if longest >= _whole_time(raw) - _PLAYED_OUT_SECONDS else duration
    else:
        return longest  # no duration, or one that the players contradict by more than pauses explain
    left, whole = longest - raw.time_limit_seconds, _whole_time(raw)
    return whole if left >= whole - _PLAYED_OUT_SECONDS else None


def _outcome(raw: RawRound, played: int | None) -> str:
    """Completed by the attackers, or held: to the end, or until the attackers gave up.

    A surrender writes the full limit as its actual time, so only the time played tells the two apart.
    """
    if raw.winner_team == 0:
        return "unknown"
    if raw.winner_team != raw.defender_team:
        return "completed"
    if played is None:
        return "unknown"
    return "fullhold" if played >= _whole_time(raw) - _PLAYED_OUT_SECONDS else "surrender"


def _duration(raw: RawRound, outcome: str, played: int | None) -> int | None:
    """Return how long the round was, in seconds: the one value for tables, posts, averages and pages."""
    limit, actual = raw.time_limit_seconds, raw.actual_time_seconds
    if outcome == "fullhold":
        return limit or actual or played or None
    if outcome == "completed" and actual is not None and actual <= limit:
        return actual
    return played or None


def _held(raw: RawRound, round1: RawRound | None) -> str | None:
    """Return what the defenders held until; the time limit of a round 2 is known only with its round 1."""
    if raw.name.round_number == 1:
        return "limit"
    if round1 is None:
        return None
    return "set_time" if raw.time_limit_seconds < round1.time_limit_seconds else "limit"


def _whole_time(raw: RawRound) -> int:
    """The time a hold lasts, in seconds; an actual time over the limit is not to be believed."""
    limit, actual = raw.time_limit_seconds, raw.actual_time_seconds
    return limit if actual is None else min(actual, limit) or actual
