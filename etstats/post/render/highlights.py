"""Highlights of a post: objectives, comparison with averages, feats, the MVP's reason.

All lines are safe Markdown.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from etstats.domain.history import AttackRank, History
from etstats.domain.stats import ScoreLine
from etstats.post.render.sections import NAME
from etstats.post.render.text import escape, mss, short

_LEAST_ROUNDS = 10  # minimum for a meaningful average
_LEAST_CHANGE = 0.2  # share of the average
_BEST_RANKS = 10
_OBJECTIVE_KINDS = 2  # kinds of objectives in one line
_LEAST_MISSING = 0.2  # share of one player


def objectives(player: ScoreLine) -> int:
    """Return the number of a player's dynamites and objectives, without constructions."""
    return sum(value(player) for _, verb, value in _OBJECTIVES if verb != "built")


class Feat(NamedTuple):
    """A feat and its minimum; `text` is formatted with the value."""

    icon: str
    text: str
    least: float
    value: Callable[[ScoreLine], float | None]


ROUND_FEATS = (
    Feat("💥", "{} kills in one round", 30, lambda player: player.kills),
    Feat("👻", "{} kills and no death", 8, lambda player: None if player.deaths else player.kills),
    Feat("🎯", "{} % accuracy", 50, lambda player: player.accuracy if player.kills >= 10 else None),
    Feat("🩹", "{} revives in one round", 10, lambda player: player.revives_given),
    Feat("💀", "{} headshot kills", 10, lambda player: player.headshot_kills),
)
SESSION_FEATS = (
    Feat("💯", "{} kills in one session", 100, lambda player: player.kills),
    Feat("🔥", "{} kills without dying", 12, lambda player: player.killing_spree_best),
    Feat("🩹", "{} revives in one session", 40, lambda player: player.revives_given),
    Feat("🎯", "{} headshots in one session", 200, lambda player: player.headshots),
    Feat("🦴", "{} gibs in one session", 50, lambda player: player.gibs),
    Feat("💣", "{} dynamites planted", 10, lambda player: player.dynamites_planted),
)
"""Feats of one round and of a session, the most significant first."""

_OBJECTIVES: tuple[tuple[str, str, Callable[[ScoreLine], int]], ...] = (
    ("💣", "planted", lambda player: player.dynamites_planted or 0),
    ("✂️", "defused", lambda player: player.dynamites_defused or 0),
    ("📦", "taken", lambda player: player.objectives_stolen or 0),
    ("↩️", "returned", lambda player: player.objectives_returned or 0),
    ("🔧", "built", lambda player: player.constructions or 0),
)
_MULTIKILLS: tuple[tuple[str, Callable[[ScoreLine], int]], ...] = (
    ("mega kill", lambda player: player.mega_kills or 0),
    ("multi kill", lambda player: player.multi_kills or 0),
    ("quad kill", lambda player: player.quad_kills or 0),
    ("triple kill", lambda player: player.triple_kills or 0),
)
_REASONS: tuple[tuple[Callable[[ScoreLine], float], Callable[[ScoreLine], str]], ...] = (
    (lambda player: player.damage_given, lambda player: f"most damage ({short(player.damage_given)})"),
    (lambda player: player.kills, lambda player: f"most kills ({player.kills})"),
    (lambda player: player.kd_ratio, lambda player: f"best K/D ({player.kd_ratio:.1f})"),
    (lambda player: player.revives_given or 0, lambda player: f"most revives ({player.revives_given})"),
    (objectives, lambda player: f"most objectives ({objectives(player)})"),
    (
        lambda player: player.most_useful_kills or 0,
        lambda player: f"most useful kills ({player.most_useful_kills})",
    ),
    (lambda player: player.gibs or 0, lambda player: f"most gibs ({player.gibs})"),
)


def bold(player: ScoreLine, history: History) -> str:
    """Return a player's name in bold, with the badge of the history."""
    badge = history.badges.get(player.player_guid, "")
    return f"**{escape(player.clean_name, NAME)}**" + (f" {escape(badge, 4)}" if badge else "")


def objective_line(players: Sequence[ScoreLine]) -> str:
    """Return the objectives in total and the player with the most; empty without any."""
    parts: list[str] = []
    for icon, verb, value in _OBJECTIVES:
        total = sum(map(value, players))
        if total and len(parts) < _OBJECTIVE_KINDS:
            best = max(players, key=value)
            own = f" {value(best)}" if value(best) != total else ""
            led = value(best) > 1 or total == 1
            parts.append(
                f"{icon} {total} {verb}" + (f" (**{escape(best.clean_name, NAME)}**{own})" if led else "")
            )
    return " · ".join(parts)


def fight_line(players: Sequence[ScoreLine]) -> str:
    """Return the longest spree and the best multikill; empty without either."""
    parts: list[str] = []
    longest = max(players, key=lambda player: player.killing_spree_best or 0, default=None)
    if longest and (spree := longest.killing_spree_best or 0) >= 5:
        parts.append(f"🔥 **{escape(longest.clean_name, NAME)}** {spree}-kill spree")
    for name, value in _MULTIKILLS:
        best = max(players, key=value, default=None)
        if best and value(best):
            parts.append(
                f"⚡ **{escape(best.clean_name, NAME)}** {name}" + (f" ×{value(best)}" if value(best) > 1 else "")
            )
            break
    return " · ".join(parts)


def missing_line(players: Sequence[ScoreLine], names: Mapping[int, str]) -> str:
    """Return which team (1 or 2; `names` are safe text) had fewer players, or one for a shorter time; else empty.

    The times of all players must be known, those of hidden players too.
    """
    longest = max((player.time_played_seconds for player in players), default=0)
    teams = {team: [player for player in players if player.team == team] for team in (1, 2)}
    if not longest or not all(teams.values()) or any(player.team not in names for player in players):
        return ""
    played = {team: sum(player.time_played_seconds for player in own) / longest for team, own in teams.items()}
    fewer = 1 if played[1] < played[2] else 2
    short = abs(played[1] - played[2])
    if short < _LEAST_MISSING:
        return ""
    if short > 1 - _LEAST_MISSING:
        there = max(1, round(played[fewer]))
        return f"👥 **{names[fewer]}** played {there} against {there + max(1, round(short))}"
    absent = min(teams[fewer], key=lambda player: player.time_played_seconds)
    who = f" (**{escape(absent.clean_name, NAME)}**)" if absent.time_played_seconds < longest else ""
    return f"👥 **{names[fewer]}** one short for {mss(round(short * longest))}{who}"


def feat_lines(players: Sequence[ScoreLine], feats: Sequence[Feat], history: History) -> list[str]:
    """Return a line for each feat, with the player with the highest value."""
    lines: list[str] = []
    for feat in feats:
        reached = [(value, player) for player in players if (value := feat.value(player) or 0) >= feat.least]
        if reached:
            value, best = max(reached, key=lambda pair: pair[0])
            lines.append(f"{feat.icon} {bold(best, history)} {feat.text.format(f'{value:.0f}')}")
    return lines


def usual_lines(players: Sequence[ScoreLine], history: History) -> list[str]:
    """Return the three largest differences from players' averages, at most one of them negative, which is last.

    Kills are compared with the average for the time played. Players with a personal best are excluded.
    """
    found: list[tuple[float, str]] = []
    with_best = {best.guid for best in history.bests}
    for player in players:
        usual = history.usual.get(player.player_guid)
        if not usual or usual.rounds < _LEAST_ROUNDS or player.player_guid in with_best:
            continue
        changes = [
            (player.kills, usual.kills_per_minute * player.time_played_seconds / 60, 10 * player.rounds, "kills"),
            (player.dpm, usual.dpm, 100, "DPM"),
        ]
        value, average, least, unit = max(changes, key=lambda one: abs(one[0] - one[1]) / max(one[1], one[2]))
        share = (value - average) / max(average, least)
        if abs(share) >= _LEAST_CHANGE:
            word, icon = ("over", "📈") if share > 0 else ("under", "📉")
            unit = unit if round(value) != 1 or unit == "DPM" else unit.removesuffix("s")
            text = f"{value:.0f} {unit}, {abs(value - average):.0f} {word} the usual"
            found.append((share, f"{icon} {bold(player, history)} {text}"))
    found.sort(key=lambda pair: -pair[0])
    over = [text for share, text in found if share > 0]
    under = [text for share, text in found if share < 0][-1:]
    return over[: 3 - len(under)] + under


def best_lines(players: Sequence[ScoreLine], history: History) -> list[str]:
    """Return the new personal bests."""
    by_guid = {player.player_guid: player for player in players}
    return [
        f"🏅 {bold(by_guid[best.guid], history)} personal best: {escape(best.value)}"
        + (f" (was {escape(best.before)})" if best.before else "")
        for best in history.bests
        if best.guid in by_guid
    ]


def attack_words(rank: AttackRank | None) -> str:
    """Return the rank of an attack among earlier ones on the map: `2nd fastest of 71`; empty if unknown."""
    if not rank or rank.attacks < _LEAST_ROUNDS or rank.rank is None or rank.rank > _BEST_RANKS:
        return ""
    return f"fastest of {rank.attacks}" if rank.rank == 1 else f"{_ordinal(rank.rank)} fastest of {rank.attacks}"


def chance_words(rank: AttackRank | None, set_seconds: int | None) -> str:
    """Return how many attacks beat the time of round 1: `41 % of 71 attacks beat 6:52`; empty if unknown."""
    if not rank or rank.attacks < _LEAST_ROUNDS or rank.faster_percent is None:
        return ""
    return f"{rank.faster_percent:.0f} % of {rank.attacks} attacks beat {mss(set_seconds)}"


def odds_line(rank: AttackRank | None, attackers: str, set_seconds: int | None) -> str:
    """Return the chance of round 2's attackers (safe text) to beat the set time; empty if unknown."""
    if not rank or rank.attacks < _LEAST_ROUNDS or rank.chance_percent is None or not attackers:
        return ""
    return f"🎲 **{attackers}** beats {mss(set_seconds)} with a chance of {rank.chance_percent:.0f} %"


def mvp_words(best: ScoreLine, players: Sequence[ScoreLine]) -> str:
    """Return why a player is the MVP: the values that are the best of the match, else the main numbers."""
    led = [text(best) for value, text in _REASONS if value(best) > 0 and value(best) == max(map(value, players))]
    return ", ".join(led[:3]) or f"{best.kills} kills, {best.deaths} deaths, {best.dpm:.0f} DPM"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
