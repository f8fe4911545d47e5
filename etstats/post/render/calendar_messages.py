"""Scheduled posts: recaps of a week, month and season, the next morning, on this day."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby

from etstats.domain.names import clean_name
from etstats.domain.rules.boards import BOARDS
from etstats.domain.text import pluralize
from etstats.post.render.dates import day_in_words, month_in_words
from etstats.post.render.layout import Section, fill
from etstats.post.render.message import Embed, Message
from etstats.post.render.text import cell, escape
from etstats.stats.recaps import Anniversary, MorningLine, Recap

_BLUE, _GOLD = 0x5B7FA6, 0xC9A227
_NOON = 12 * 3600  # so that readers in other time zones see the same days
_LISTED = 5
_SESSIONS = 7
_PLAYERS = 40
_NAMES = 3
_MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}
_BOARDS = ("kd", "dpm", "accuracy", "headshots", "kills", "revives", "objectives", "spree")
_FEW_DECIMALS = {"%": 1, "HP/min": 0}


def recap_message(recap: Recap, language: str = "en") -> Message:
    """Return the message of a week, month or season; a season names its champions. `language`: that of dates."""
    is_season = recap.span == "season"
    titles = {
        "week": f"Week {recap.since:%V} of {recap.since:%G}",
        "month": f"{month_in_words(recap.since, language)}",
        "season": f"Season {recap.name} is over",
    }
    lines = [
        f"<t:{recap.since.timestamp() + _NOON:.0f}:D> to <t:{recap.until.timestamp() - _NOON:.0f}:D>",
        f"{pluralize(recap.sessions, 'session')}, {pluralize(recap.maps, 'map')}, "
        f"{pluralize(recap.rounds, 'round')}, {pluralize(recap.players, 'player')}",
    ]
    if champions := recap.champions[:_NAMES]:
        names = ", ".join(f"**{escape(line.clean_name, 24)}**" for line in champions)
        role = "🏆 Champion" if is_season else "⭐ Player of the " + recap.span
        lines.append(f"{role}: {names} with {pluralize(champions[0].points, 'point')}")
    parts = (
        ("Standings", _standings(recap)),
        ("Leaders", _leaders(recap)),
        ("Records", _records(recap)),
        ("Sessions", _sessions(recap)),
    )
    embed = Embed(title=titles[recap.span], colour=_GOLD if is_season else _BLUE, description="\n".join(lines))
    sections = [Section(name=name, rows=tuple(rows)) for name, rows in parts if rows]
    return Message(embeds=(fill(embed, sections),))


def morning_message(day: date, lines: Sequence[MorningLine], language: str = "en") -> Message:
    """Return the message of the next morning: a line per player. `language`: that of dates."""
    rows = [
        f"{cell(line.clean_name, 15)} {line.kills:>3}/{line.deaths:<3} {line.dpm or 0:>4.0f} {_change(line):>4}"
        for line in lines[:_PLAYERS]
    ]
    has_changes = any(line.dpm_change is not None for line in lines)
    head = f"{'Player':<15} {'K/D':^7} {'DPM':>4} {'±' if has_changes else '':>4}"
    text = "```\n" + "\n".join([head, *rows]) + "\n```\n"
    if has_changes:
        text += "± is the difference to a player's average DPM."
    if (left := len(lines) - len(rows)) > 0:
        text += f"\nand {pluralize(left, 'more player')}"
    title = f"Sessions of {day_in_words(day - timedelta(days=1), language)}"
    return Message(embeds=(Embed(title=title, colour=_BLUE, description=text),))


def on_this_day_message(found: Anniversary, day: date) -> Message:
    """Return the message about a session of this day in an earlier year."""
    session = found.session
    years = day.year - found.year
    text = (
        f"<t:{session.ended_at.timestamp():.0f}:D>, {escape(session.server, 40)}: "
        f"{pluralize(len(session.rounds), 'round')} with {pluralize(len(session.players), 'player')}"
    )
    names = sorted({played.map_name for played in session.maps})
    text += "\nMaps: " + ", ".join(escape(name, 30) for name in names[:8])
    if session.score is not None and any(session.score):
        first, second = (escape(name, 24) if name else "" for name in session.team_names)
        text += f"\nScore: {first} {session.score[0]}:{session.score[1]} {second}".rstrip()
    if session.mvp is not None:
        text += f"\nMVP: **{escape(clean_name(session.mvp.player_name), 24)}**"
    title = f"On this day {'a year' if years == 1 else f'{years} years'} ago"
    return Message(embeds=(Embed(title=title, colour=_BLUE, description=text),))


def _standings(recap: Recap) -> list[str]:
    return [
        f"{_MEDALS.get(line.rank, escape(f'{line.rank}.'))} {escape(line.clean_name, 24)} · {line.points}"
        for line in recap.standings[:_LISTED]
        if line.points
    ]


def _leaders(recap: Recap) -> list[str]:
    rows: list[str] = []
    by_board = {name: list(equal) for name, equal in groupby(recap.leaders, lambda leader: leader.board)}
    for name in _BOARDS:
        equal = by_board.get(name, [])
        if not equal:
            continue
        board, value = BOARDS[name], equal[0].standing.value
        places = _FEW_DECIMALS.get(board.unit, 2) if board.per else 0
        names = [escape(leader.standing.clean_name, 24) for leader in equal[:_NAMES]]
        many = f"{len(equal)} players" if len(equal) > _NAMES else ", ".join(names)
        unit = "%" if board.unit == "%" else ""
        heading = "Headshots" if name == "headshots" else board.heading
        rows.append(f"{heading}: **{many}** {value:,.{places}f}{unit}")
    return rows


def _records(recap: Recap) -> list[str]:
    return [
        f"{_capitalized(record.title)}: **{escape(clean_name(record.player_name), 24)}** {record.value:,.0f}"
        + ("" if record.before is None else f" (was {record.before:,.0f})")
        for record in recap.records[:_LISTED]
    ]


def _sessions(recap: Recap) -> list[str]:
    rows = []
    for session in recap.played[:_SESSIONS]:
        score = ""
        if session.score is not None and any(session.score) and all(session.team_names):
            first, second = (escape(name, 16) for name in session.team_names)
            score = f": {first} {session.score[0]}:{session.score[1]} {second}"
        rows.append(
            f"<t:{session.ended_at.timestamp():.0f}:d> {escape(session.server, 24)}, "
            f"{pluralize(session.maps, 'map')}, {pluralize(session.players, 'player')}{score}"
        )
    return rows


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _change(line: MorningLine) -> str:
    return "" if line.dpm_change is None else f"{line.dpm_change:+.0f}"
