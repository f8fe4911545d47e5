"""Expected answers, computed from the generated truth without SQL and without the package."""

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
    """The numbers of a player in a round."""

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


def acts(sessions: Mapping[str, Iterable[GeneratedSession]]) -> list[Act]:
    """Return the rounds of all players on these servers."""
    found = []
    for server, played in sessions.items():
        for round_ in (round_ for session in played for round_ in session.rounds):
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
        known = [act for act in own if all(act.knows(name) for name in names)]
        return Fraction(sum(act[name] for act in known for name in names)) if known else None

    return value


def _ratio(factor: int, of: Iterable[int], per: Iterable[int]) -> Fraction | None:
    below = sum(per)
    return Fraction(factor * sum(of), below) if below else None


def _quotient(own: list[Act], factor: int, of: str, per: str) -> Fraction | None:
    return _ratio(factor, [act[of] for act in own], [act[per] for act in own])


def _believed(own: list[Act]) -> list[Act]:
    return [act for act in own if act.dead <= act["time_played_seconds"]]


def _bullets(own: list[Act], place: int) -> list[int]:
    return [numbers[place] for act in own for weapon, numbers in act.truth.weapons.items() if weapon in BULLETS]


def _denied(own: list[Act]) -> Fraction | None:
    known = [act for act in own if act.knows("denied_playtime")]
    possible = [
        act for act in known if act["denied_playtime"] <= max(1, act.opponents) * act["time_played_seconds"]
    ]
    return Fraction(sum(act["denied_playtime"] for act in possible)) if possible else None


def _useful(own: list[Act]) -> Fraction | None:
    known = [act for act in own if act.knows("useless_kills")]
    useful = [act["most_useful_kills"] for act in known]
    return _ratio(100, useful, [act["most_useful_kills"] + act["useless_kills"] for act in known])


VALUES: dict[str, Callable[[list[Act]], Fraction | None]] = {
    "kd": lambda own: _quotient(own, 1, "kills", "deaths") or _sum("kills")(own),
    "dpm": lambda own: _quotient(own, 60, "damage_given", "time_played_seconds"),
    "accuracy": lambda own: _ratio(100, _bullets(own, 0), _bullets(own, 1)),
    "headshots": lambda own: _ratio(100, _bullets(own, 4), _bullets(own, 0)),
    "headshot-kills": lambda own: _quotient(own, 100, "headshot_kills", "kills"),
    "efficiency": lambda own: _ratio(
        100, [act["kills"] for act in own], [act["kills"] + act["deaths"] for act in own]
    ),
    "wins": lambda own: _ratio(
        100, [act.round.winner == act.truth.team for act in own], [act.round.winner in (1, 2) for act in own]
    ),
    "kills": _sum("kills"),
    "deaths": _sum("deaths"),
    "damage": _sum("damage_given"),
    "damage-ratio": lambda own: _quotient(own, 1, "damage_given", "damage_received") or _sum("damage_given")(own),
    "revives": _sum("revives_given"),
    "gibs": _sum("gibs"),
    "assists": _sum("kill_assists"),
    "objectives": _sum("objectives_stolen", "objectives_returned", "dynamites_planted", "dynamites_defused"),
    "multikills": _sum("double_kills", "triple_kills", "quad_kills", "multi_kills", "mega_kills"),
    "useful": _useful,
    "denied": _denied,
    "teamwork": lambda own: _quotient(own, 100, "team_damage_given", "damage_given"),
    "survival": lambda own: _ratio(
        100,
        [act["time_played_seconds"] - act.dead for act in _believed(own)],
        [act["time_played_seconds"] for act in _believed(own)],
    ),
    "frag-potential": lambda own: _ratio(
        60,
        [act["damage_given"] for act in _believed(own)],
        [act["time_played_seconds"] - act.dead for act in _believed(own)],
    ),
    "spree": lambda own: Fraction(max(act["killing_spree_best"] for act in own)),
    "games": lambda own: Fraction(len(own)),
    "time": _sum("time_played_seconds"),
    "xp": _sum("xp"),
}  # fmt: skip
