"""Shared parts of posts: ranks, tables, podium, texts of counts and times."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from etstats.domain.stats import ScoreLine
from etstats.domain.views import Mvp
from etstats.post.render.layout import Section, TextColumn, table
from etstats.post.render.text import escape, mss, short, whole

NAME, WORDS = 16, 32  # maximum columns of a name and of a text inside a sentence

_MEDALS = "🥇🥈🥉"
_MULTIKILLS = (
    ("double_kills", "double"),
    ("triple_kills", "triple"),
    ("quad_kills", "quad"),
    ("multi_kills", "multi"),
    ("mega_kills", "mega"),
)

FRAGS = (
    TextColumn("K", lambda player: str(player.kills)),
    TextColumn("D", lambda player: str(player.deaths)),
    TextColumn(
        "K/D", lambda player: f"{player.kd_ratio:.1f}" if player.kd_ratio < 99.95 else f"{player.kd_ratio:.0f}"
    ),
    TextColumn("DPM", lambda player: f"{player.dpm:.0f}"),
)
_DAMAGE = (
    TextColumn("Given", lambda player: short(player.damage_given)),
    TextColumn("Recv", lambda player: short(player.damage_received)),
    TextColumn("Acc", lambda player: _per_cent(player.accuracy)),
    TextColumn("HS", lambda player: str(player.headshots)),
)
_GIVEN = TextColumn("Rev", lambda player: whole(player.revives_given))
_REVIVED = TextColumn("Rvd", lambda player: whole(player.times_revived))  # if the files do not have revives given
_TIME = (
    TextColumn("Gib", lambda player: whole(player.gibs)),
    TextColumn("Time", lambda player: mss(player.time_played_seconds)),
    TextColumn("Dead", lambda player: mss(player.time_dead_seconds)),
    TextColumn("Deny", lambda player: mss(player.denied_playtime)),
)


def ranking(players: Iterable[ScoreLine]) -> list[ScoreLine]:
    """Return the players by damage given, then kills: sums, so that short play does not lead by its rate."""
    return sorted(
        players, key=lambda player: (-player.damage_given, -player.kills, player.deaths, player.player_guid)
    )


def scoreboards(order: Sequence[ScoreLine], sides: Sequence[tuple[int, str]]) -> list[Section]:
    """Return kills, deaths, K/D and DPM of each side, with ranks over both sides."""
    ranked = list(enumerate(order, 1))
    known = [side for side, _ in sides]
    sections = [
        table(f"{name} · {len(members)}", members, FRAGS)
        for side, name in sides
        if (members := [(rank, player) for rank, player in ranked if player.team == side])
    ]
    others = [(rank, player) for rank, player in ranked if player.team not in known]
    return [*sections, table("Players", others, FRAGS)] if others else sections


def details(order: Sequence[ScoreLine]) -> list[Section]:
    """Return the detail tables: damage and aim, revives and time, and multikills if any."""
    if not order:
        return []
    players = [(None, player) for player in order]
    revives = _GIVEN if any(player.revives_given is not None for player in order) else _REVIVED
    multikills = (
        f"**{escape(player.clean_name, NAME)}** {text}" for player in order if (text := _multikills(player))
    )
    return [
        table("Damage and aim", players, _DAMAGE),
        table("Revives and time", players, (revives, *_TIME)),
        listing("Multikills", multikills),
    ]


def listing(name: str, rows: Iterable[str]) -> Section:
    """Return a section with a heading and lines; nothing without lines."""
    return Section(name=name, rows=tuple(rows))


def podium(order: Sequence[ScoreLine]) -> list[str]:
    """Return the first three with their medals."""
    return [
        f"{medal} **{escape(player.clean_name, NAME)}** "
        f"{short(player.damage_given)} damage · {player.kills}/{player.deaths} · {player.dpm:.0f} DPM"
        for medal, player in zip(_MEDALS, order, strict=False)
    ]


def mvp_line(best: Mvp | None) -> list[str]:
    """Return the line of the most valuable player, if any."""
    if not best:
        return []
    numbers = f"rating {best.rating:.2f} · {best.kills}/{best.deaths} · {best.dpm:.0f} DPM"
    return [f"⭐ MVP **{escape(best.clean_name, NAME)}** · {escape(numbers, 2 * WORDS)}"]


def winner_first(winner: int) -> tuple[int, int]:
    """Return the two sides or line-ups in display order."""
    return (2, 1) if winner == 2 else (1, 2)


def line_ups(names: tuple[str, str]) -> dict[int, str]:
    """Return the line-ups' names by number, as safe text."""
    return {number: escape(name, NAME) for number, name in enumerate(names, 1)}


def count(number: int, noun: str) -> str:
    """Return `1 round`, `2 rounds`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(at: datetime, style: str) -> str:
    """Return a time that Discord shows in each reader's time zone."""
    return f"<t:{int(at.timestamp())}:{style}>"


def _multikills(player: ScoreLine) -> str:
    counts = ((getattr(player, field), name) for field, name in _MULTIKILLS)
    return " · ".join(f"{count}x {name}" for count, name in counts if count)


def _per_cent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0f}%"
