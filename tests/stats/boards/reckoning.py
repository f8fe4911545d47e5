"""The answers, computed by hand from what really happened in generated sessions: no SQL, no code of the rooms."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from etstats.demo.generator import GeneratedRound, GeneratedSession, PlayerTruth

BULLETS = {"LUGER", "COLT", "MP40", "THOMPSON", "STEN", "FG42", "MG42", "BROWNING", "CARBINE", "KAR98", "GARAND",
           "K43", "MP34"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Act:
    """What one player did in one round."""

    server: str
    round: GeneratedRound
    truth: PlayerTruth
    opponents: int

    @property
    def ended_at(self) -> datetime:
        return datetime.fromtimestamp(self.round.file.mtime, UTC)

    def __getitem__(self, name: str) -> int:
        value = self.truth.numbers[name]
        return 0 if value is None else int(value)

    def knows(self, name: str) -> bool:
        return self.truth.numbers[name] is not None

    @property
    def dead(self) -> int:
        return round(60 * float(self.truth.numbers["time_dead_minutes"] or 0))


def acts(evenings: Mapping[str, Iterable[GeneratedSession]]) -> list[Act]:
    """Everybody's rounds, of everything that was played on these servers."""
    found = []
    for server, played in evenings.items():
        for round_ in (r for evening in played for r in evening.rounds):
            teams = [truth.team for truth in round_.truth.values()]
            for truth in round_.truth.values():
                found.append(Act(server=server, round=round_, truth=truth, opponents=teams.count(3 - truth.team)))
    return found


def by_player(played: Iterable[Act]) -> dict[str, list[Act]]:
    found: dict[str, list[Act]] = defaultdict(list)
    for act in played:
        found[act.truth.guid].append(act)
    return found


def _sum(*names: str) -> Callable[[list[Act]], Fraction | None]:
    def value(own: list[Act]) -> Fraction | None:
        known = [a for a in own if all(a.knows(name) for name in names)]
        return Fraction(sum(a[name] for a in known for name in names)) if known else None

    return value


def _ratio(factor: int, of: Iterable[int], per: Iterable[int]) -> Fraction | None:
    below = sum(per)
    return Fraction(factor * sum(of), below) if below else None


def _believed(own: list[Act]) -> list[Act]:
    return [a for a in own if a.dead <= a["time_played_seconds"]]


def _bullets(own: list[Act], place: int) -> list[int]:
    return [numbers[place] for a in own for weapon, numbers in a.truth.weapons.items() if weapon in BULLETS]


def _denied(own: list[Act]) -> Fraction | None:
    known = [
        a for a in own
        if a.knows("denied_playtime") and a["denied_playtime"] <= max(1, a.opponents) * a["time_played_seconds"]
    ]  # fmt: skip
    return Fraction(sum(a["denied_playtime"] for a in known)) if known else None


def _useful(own: list[Act]) -> Fraction | None:
    known = [a for a in own if a.knows("useless_kills")]
    useful = [a["most_useful_kills"] for a in known]
    return _ratio(100, useful, [a["most_useful_kills"] + a["useless_kills"] for a in known])


VALUES: dict[str, Callable[[list[Act]], Fraction | None]] = {
    "kd": lambda own: _ratio(1, [a["kills"] for a in own], [a["deaths"] for a in own]) or _sum("kills")(own),
    "dpm": lambda own: _ratio(60, [a["damage_given"] for a in own], [a["time_played_seconds"] for a in own]),
    "accuracy": lambda own: _ratio(100, _bullets(own, 0), _bullets(own, 1)),
    "headshots": lambda own: _ratio(100, _bullets(own, 4), _bullets(own, 0)),
    "headshot-kills": lambda own: _ratio(100, [a["headshot_kills"] for a in own], [a["kills"] for a in own]),
    "efficiency": lambda own: _ratio(100, [a["kills"] for a in own], [a["kills"] + a["deaths"] for a in own]),
    "kills": _sum("kills"),
    "deaths": _sum("deaths"),
    "damage": _sum("damage_given"),
    "damage-ratio": lambda own: _ratio(
        1, [a["damage_given"] for a in own], [a["damage_received"] for a in own]
    ) or _sum("damage_given")(own),
    "revives": _sum("revives_given"),
    "gibs": _sum("gibs"),
    "assists": _sum("kill_assists"),
    "objectives": _sum("objectives_stolen", "objectives_returned", "dynamites_planted", "dynamites_defused"),
    "multikills": _sum("double_kills", "triple_kills", "quad_kills", "multi_kills", "mega_kills"),
    "useful": _useful,
    "denied": _denied,
    "teamwork": lambda own: _ratio(100, [a["team_damage_given"] for a in own], [a["damage_given"] for a in own]),
    "survival": lambda own: _ratio(
        100,
        [a["time_played_seconds"] - a.dead for a in _believed(own)],
        [a["time_played_seconds"] for a in _believed(own)],
    ),
    "frag-potential": lambda own: _ratio(
        60,
        [a["damage_given"] for a in _believed(own)],
        [a["time_played_seconds"] - a.dead for a in _believed(own)],
    ),
    "spree": lambda own: Fraction(max(a["killing_spree_best"] for a in own)),
    "games": lambda own: Fraction(len(own)),
    "time": _sum("time_played_seconds"),
    "xp": _sum("xp"),
}  # fmt: skip
