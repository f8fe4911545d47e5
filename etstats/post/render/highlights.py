"""What a post shows besides the numbers: what decided it, who did better than usual, feats, the MVP's reason.

Every line is Markdown that is safe to send.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from etstats.post.render.facts import AttackRank, History, PlayerLine
from etstats.post.render.sections import NAME
from etstats.post.render.text import escape, mss, short

_LEAST_ROUNDS = 10  # before that an average says nothing
_LEAST_CHANGE = 0.2  # of the usual value
_BEST_RANKS = 10
_OBJECTIVE_KINDS = 2  # in one line
_TAG_ENDS = " .:|-_=~*[](){}<>"


def objectives(player: PlayerLine) -> int:
    """Return how many dynamites and objectives a player dealt with; constructions are not counted."""
    dynamites = player.dynamites_planted + player.dynamites_defused
    return dynamites + player.objectives_taken + player.objectives_returned


class Feat(NamedTuple):
    """A feat and the least value that counts; `text` takes the value."""

    icon: str
    text: str
    least: float
    value: Callable[[PlayerLine], float | None]


ROUND_FEATS = (
    Feat("💥", "{} kills in one round", 30, lambda p: p.kills),
    Feat("👻", "{} kills and no death", 8, lambda p: None if p.deaths else p.kills),
    Feat("🎯", "{} % accuracy", 50, lambda p: p.accuracy if p.kills >= 10 else None),
    Feat("🩹", "{} revives in one round", 10, lambda p: p.revives_given),
    Feat("💀", "{} headshot kills", 10, lambda p: p.headshot_kills),
)
SESSION_FEATS = (
    Feat("💯", "{} kills in one session", 100, lambda p: p.kills),
    Feat("🔥", "{} kills without dying", 12, lambda p: p.best_spree),
    Feat("🩹", "{} revives in one session", 40, lambda p: p.revives_given),
    Feat("🎯", "{} headshots in one session", 200, lambda p: p.headshots),
    Feat("🦴", "{} gibs in one session", 50, lambda p: p.gibs),
    Feat("💣", "{} dynamites planted", 10, lambda p: p.dynamites_planted),
)
"""Feats of one round and of a session, the most significant first."""

_OBJECTIVES: tuple[tuple[str, str, Callable[[PlayerLine], int]], ...] = (
    ("💣", "planted", lambda p: p.dynamites_planted),
    ("✂️", "defused", lambda p: p.dynamites_defused),
    ("📦", "taken", lambda p: p.objectives_taken),
    ("↩️", "returned", lambda p: p.objectives_returned),
    ("🔧", "built", lambda p: p.constructions or 0),
)
_MULTIKILLS: tuple[tuple[str, Callable[[PlayerLine], int]], ...] = (
    ("mega kill", lambda p: p.mega_kills),
    ("multi kill", lambda p: p.multi_kills),
    ("quad kill", lambda p: p.quad_kills),
    ("triple kill", lambda p: p.triple_kills),
)
_REASONS: tuple[tuple[Callable[[PlayerLine], float], Callable[[PlayerLine], str]], ...] = (
    (lambda p: p.damage_given, lambda p: f"most damage ({short(p.damage_given)})"),
    (lambda p: p.kills, lambda p: f"most kills ({p.kills})"),
    (lambda p: p.kd, lambda p: f"best K/D ({p.kd:.1f})"),
    (lambda p: p.revives_given or 0, lambda p: f"most revives ({p.revives_given})"),
    (objectives, lambda p: f"most objectives ({objectives(p)})"),
    (lambda p: p.most_useful_kills, lambda p: f"most useful kills ({p.most_useful_kills})"),
    (lambda p: p.gibs, lambda p: f"most gibs ({p.gibs})"),
)


def bold(player: PlayerLine, history: History) -> str:
    """Return a player's name in bold, with the badge that the history knows."""
    badge = history.badges.get(player.guid, "")
    return f"**{escape(player.name, NAME)}**" + (f" {escape(badge, 4)}" if badge else "")


def objective_line(players: Sequence[PlayerLine]) -> str:
    """Return what was done for the objectives, in total and by whom most; empty where nothing was."""
    parts: list[str] = []
    for icon, verb, value in _OBJECTIVES:
        total = sum(map(value, players))
        if total and len(parts) < _OBJECTIVE_KINDS:
            best = max(players, key=value)
            own = f" {value(best)}" if value(best) != total else ""
            led = value(best) > 1 or total == 1
            parts.append(f"{icon} {total} {verb}" + (f" (**{escape(best.name, NAME)}**{own})" if led else ""))
    return " · ".join(parts)


def fight_line(players: Sequence[PlayerLine]) -> str:
    """Return the longest spree and the best multikill; empty where there was neither."""
    parts: list[str] = []
    spree = max(players, key=lambda p: p.best_spree, default=None)
    if spree and spree.best_spree >= 5:
        parts.append(f"🔥 **{escape(spree.name, NAME)}** {spree.best_spree}-kill spree")
    for name, value in _MULTIKILLS:
        best = max(players, key=value, default=None)
        if best and value(best):
            parts.append(
                f"⚡ **{escape(best.name, NAME)}** {name}" + (f" ×{value(best)}" if value(best) > 1 else "")
            )
            break
    return " · ".join(parts)


def feat_lines(players: Sequence[PlayerLine], feats: Sequence[Feat], history: History) -> list[str]:
    """Return a line for each feat reached, with the player who took it furthest."""
    lines: list[str] = []
    for feat in feats:
        reached = [(value, player) for player in players if (value := feat.value(player) or 0) >= feat.least]
        if reached:
            value, best = max(reached, key=lambda pair: pair[0])
            lines.append(f"{feat.icon} {bold(best, history)} {feat.text.format(f'{value:.0f}')}")
    return lines


def usual_lines(players: Sequence[PlayerLine], history: History, most: int) -> list[str]:
    """Return the largest differences to players' own averages, at most one of them downwards and that one last."""
    found: list[tuple[float, str]] = []
    for player in players:
        usual = history.usual.get(player.guid)
        if not usual or usual.rounds < _LEAST_ROUNDS:
            continue
        changes = [
            (player.kills, usual.kills * player.rounds, 5 * player.rounds, "kills"),
            (player.dpm, usual.dpm, 100, "DPM"),
        ]
        if usual.revives is not None and player.revives_given is not None:
            changes.append((player.revives_given, usual.revives * player.rounds, 4 * player.rounds, "revives"))
        value, average, _, unit = max(changes, key=lambda one: abs(one[0] - one[1]) / max(one[1], one[2]))
        share = (value - average) / max(average, 1)
        if abs(share) >= _LEAST_CHANGE and round(abs(value - average)):
            word, icon = ("over", "📈") if share > 0 else ("under", "📉")
            text = f"{value:.0f} {unit}, {abs(value - average):.0f} {word} the usual"
            found.append((share, f"{icon} {bold(player, history)} {text}"))
    found.sort(key=lambda pair: -pair[0])
    over = [text for share, text in found if share > 0]
    under = [text for share, text in found if share < 0][-1:]
    return (over[: most - len(under)] + under)[:most]


def best_lines(players: Sequence[PlayerLine], history: History) -> list[str]:
    """Return the personal bests that fell."""
    by_guid = {player.guid: player for player in players}
    return [
        f"🏅 {bold(by_guid[best.guid], history)} personal best: {escape(best.value)}"
        + (f" (was {escape(best.before)})" if best.before else "")
        for best in history.bests
        if best.guid in by_guid
    ]


def attack_words(rank: AttackRank | None) -> str:
    """Return how an attack compares with the map's earlier ones: `2nd fastest of 71`; empty where unknown."""
    if not rank or rank.attacks < _LEAST_ROUNDS or rank.rank is None or rank.rank > _BEST_RANKS:
        return ""
    return f"fastest of {rank.attacks}" if rank.rank == 1 else f"{_ordinal(rank.rank)} fastest of {rank.attacks}"


def chance_words(rank: AttackRank | None, set_seconds: int | None) -> str:
    """Return how hard the time is that round 1 set: `41 % of 71 attacks beat 6:52`; empty where unknown."""
    if not rank or rank.attacks < _LEAST_ROUNDS or rank.faster_percent is None:
        return ""
    return f"{rank.faster_percent:.0f} % of {rank.attacks} attacks beat {mss(set_seconds)}"


def mvp_words(players: Iterable[PlayerLine], guid: str | None, most: int = 3) -> str:
    """Return why a player is the MVP: what nobody did better; the numbers where there is no such thing."""
    everybody = list(players)
    best = next((player for player in everybody if player.guid == guid), None)
    if not best:
        return ""
    led = [text(best) for value, text in _REASONS if value(best) > 0 and value(best) == max(map(value, everybody))]
    return ", ".join(led[:most]) or f"{best.kills} kills, {best.deaths} deaths, {best.dpm:.0f} DPM"


def without_tags(players: Iterable[PlayerLine], tags: Sequence[str]) -> tuple[PlayerLine, ...]:
    """Return the players of team 1 and 2 without the tag that their team's names share."""
    by_team = dict(enumerate(tags, 1))
    return tuple(_without_tag(player, by_team.get(player.team, "")) for player in players)


def _without_tag(player: PlayerLine, tag: str) -> PlayerLine:
    name = player.name
    if not tag or not name.casefold().startswith(tag.casefold()):
        return player
    rest = name[len(tag) :].lstrip(_TAG_ENDS)
    if not rest:
        return player
    cut = len(name) - len(rest)
    runs: list[tuple[str, str]] = []
    same = "".join(text for _, text in player.colour_runs) == name
    for colour, text in player.colour_runs if same else ():
        if text[cut:]:
            runs.append((colour, text[cut:]))
        cut = max(0, cut - len(text))
    return replace(player, name=rest, colour_runs=tuple(runs))


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
