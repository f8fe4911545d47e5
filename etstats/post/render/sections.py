"""The parts that the posts share: who ranks where, the tables, the podium, the words for counts and moments."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from etstats.post.render.facts import PlayerLine
from etstats.post.render.layout import Section, TextColumn, table
from etstats.post.render.text import escape, mss, short

NAME, WORDS = 16, 32  # for a name and for a few words inside a sentence

_MEDALS = "🥇🥈🥉"
_MULTIKILLS = (
    ("double_kills", "double"),
    ("triple_kills", "triple"),
    ("quad_kills", "quad"),
    ("multi_kills", "multi"),
    ("mega_kills", "mega"),
)

FRAGS = (
    TextColumn("K", lambda p: str(p.kills)),
    TextColumn("D", lambda p: str(p.deaths)),
    TextColumn("K/D", lambda p: f"{p.kd:.1f}" if p.kd < 99.95 else f"{p.kd:.0f}"),
    TextColumn("DPM", lambda p: f"{p.dpm:.0f}"),
)
_DAMAGE = (
    TextColumn("Given", lambda p: short(p.damage_given)),
    TextColumn("Recv", lambda p: short(p.damage_received)),
    TextColumn("Acc", lambda p: _per_cent(p.accuracy)),
    TextColumn("HS", lambda p: str(p.headshots)),
)
_GIVEN = TextColumn("Rev", lambda p: "-" if p.revives_given is None else str(p.revives_given))
_REVIVED = TextColumn("Rvd", lambda p: str(p.times_revived))  # where the files know no revives given
_TIME = (
    TextColumn("Gib", lambda p: str(p.gibs)),
    TextColumn("Time", lambda p: mss(p.time_played_seconds)),
    TextColumn("Dead", lambda p: mss(p.time_dead_seconds)),
    TextColumn("Deny", lambda p: mss(p.denied_playtime)),
)


def ranking(players: Iterable[PlayerLine]) -> list[PlayerLine]:
    """Players by damage given, then kills: sums, so that a minute's play does not lead by its rate."""
    return sorted(players, key=lambda p: (-p.damage_given, -p.kills, p.deaths, p.guid))


def scoreboards(order: Sequence[PlayerLine], sides: Sequence[tuple[int, str]]) -> list[Section]:
    """Kills, deaths, K/D and DPM of each side, with everybody's rank over both."""
    ranked = list(enumerate(order, 1))
    known = [side for side, _ in sides]
    sections = [
        table(f"{name} · {len(members)}", members, FRAGS)
        for side, name in sides
        if (members := [(rank, p) for rank, p in ranked if p.team == side])
    ]
    others = [(rank, p) for rank, p in ranked if p.team not in known]
    return [*sections, table("Players", others, FRAGS)] if others else sections


def details(order: Sequence[PlayerLine]) -> list[Section]:
    """What a second look asks for: damage and aim, revives and time, multikills where there were any."""
    if not order:
        return []
    players = [(None, player) for player in order]
    revives = _GIVEN if any(player.revives_given is not None for player in order) else _REVIVED
    multikills = (f"**{escape(player.name, NAME)}** {text}" for player in order if (text := _multikills(player)))
    return [
        table("Damage and aim", players, _DAMAGE),
        table("Revives and time", players, (revives, *_TIME)),
        listing("Multikills", multikills),
    ]


def listing(name: str, rows: Iterable[str]) -> Section:
    """A headline with lines under it; without any it does not appear."""
    return Section(name=name, rows=tuple(rows))


def podium(order: Sequence[PlayerLine]) -> list[str]:
    """The first three with their medals."""
    return [
        f"{medal} **{escape(p.name, NAME)}** "
        f"{short(p.damage_given)} damage · {p.kills}/{p.deaths} · {p.dpm:.0f} DPM"
        for medal, p in zip(_MEDALS, order, strict=False)
    ]


def mvp_line(order: Sequence[PlayerLine], guid: str | None, reason: str) -> list[str]:
    """The line of the most valuable player; none when it is nobody of these."""
    best = next((player for player in order if guid and player.guid == guid), None)
    if not best:
        return []
    return [f"⭐ MVP **{escape(best.name, NAME)}**" + (f" · {escape(reason, 2 * WORDS)}" if reason else "")]


def winner_first(winner: int) -> tuple[int, int]:
    """The two sides or line-ups in the order to show them."""
    return (2, 1) if winner == 2 else (1, 2)


def line_ups(names: tuple[str, str]) -> dict[int, str]:
    """The line-ups' names by their number, ready to show."""
    return {number: escape(name, NAME) for number, name in enumerate(names, 1)}


def count(number: int, noun: str) -> str:
    """`1 round`, `2 rounds`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(at: datetime, style: str) -> str:
    """A moment that every reader's Discord shows in their own time zone."""
    return f"<t:{int(at.timestamp())}:{style}>"


def _multikills(player: PlayerLine) -> str:
    counts = ((getattr(player, field), name) for field, name in _MULTIKILLS)
    return " · ".join(f"{count}x {name}" for count, name in counts if count)


def _per_cent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0f}%"
