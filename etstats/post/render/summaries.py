"""Facts -> message: the round, map, session and outage posts, laid out for a phone.

Every text that comes from outside passes `text.escape`, `text.cell` or `text.plain` on its way in.
"""

from collections.abc import Sequence

from etstats.post.render.facts import (
    ALLIES,
    AXIS,
    BrokenRecord,
    Digest,
    MapScore,
    MapSummary,
    Milestone,
    RoundResult,
    RoundSummary,
    SessionSummary,
)
from etstats.post.render.layout import Section, fill, table
from etstats.post.render.message import CONTENT, THREAD_NAME, Embed, Message
from etstats.post.render.sections import (
    FRAGS,
    NAME,
    WORDS,
    count,
    details,
    line_ups,
    listing,
    moment,
    mvp_line,
    podium,
    ranking,
    scoreboards,
    winner_first,
)
from etstats.post.render.text import cell, escape, mss, plain

BLUE, RED, GOLD, PURPLE, GREY = 0x3B82F6, 0xE5484D, 0xF5B301, 0x8B5CF6, 0x6B7280
SCOREBOARD_FILE, SESSION_FILE = "scoreboard.png", "session.png"

_SIDES = {AXIS: "Axis", ALLIES: "Allies"}


def round_message(summary: RoundSummary) -> Message:
    """The post after a round: blue for round 1, red for round 2."""
    order = ranking(summary.players)
    lines = [_round_headline(summary)]
    if summary.is_cumulative:
        lines.append("⚠️ Round 1 of this map is missing: the numbers are both rounds together.")
    lines += ["", *podium(order)]
    sides = [(side, _SIDES[side] + _role(side, summary)) for side in winner_first(summary.winner_team)]
    embed = Embed(
        title=f"{escape(summary.map_name, WORDS)} · round {summary.round_number}",
        colour=BLUE if summary.round_number == 1 else RED,
        description="\n".join(lines),
        author=plain(summary.server, WORDS),
        footer=plain(summary.filename),
        timestamp=summary.ended_at,
    )
    return with_milestones(fill(embed, [*scoreboards(order, sides), *details(order)]), summary.milestones)


def map_message(summary: MapSummary, *, picture: bool = False) -> Message:
    """The post after a map: who won it, both times, both rounds' numbers together; `picture` attaches one."""
    order = ranking(summary.players)
    names = line_ups(summary.line_up_names)
    lines = [_map_headline(summary, names), *(_round_line(result, names) for result in summary.rounds)]
    lines += ["", *mvp_line(order, summary.mvp, summary.mvp_reason), *podium(order)]
    sides = [(number, names[number]) for number in winner_first(summary.winner)]
    embed = Embed(
        title=f"🏁 {escape(summary.map_name, WORDS)} · map complete",
        colour=GOLD,
        description="\n".join(lines),
        author=plain(summary.server, WORDS),
        footer="\n".join(plain(name) for name in summary.filenames),
        timestamp=summary.ended_at,
        image=SCOREBOARD_FILE if picture else None,
    )
    return with_milestones(fill(embed, [*scoreboards(order, sides), *details(order)]))


def session_message(summary: SessionSummary, *, picture: bool = False) -> Message:
    """The post at the end of a session: score, maps, line-ups, everybody's numbers, awards, records."""
    order = ranking(summary.players)
    names = line_ups(summary.line_up_names)
    length = int((summary.ended_at - summary.started_at).total_seconds()) // 60
    counts = (
        f"{length // 60} h {length % 60:02}",
        count(summary.rounds, "round"),
        count(len(summary.maps), "map"),
    )
    lines = [" · ".join((moment(summary.started_at, "f"), *counts))]
    if summary.score:
        lines.append(f"**{names[1]} {summary.score[0]} : {summary.score[1]} {names[2]}**")
    lines += ["", *mvp_line(order, summary.mvp, summary.mvp_reason), *podium(order)]
    leader = 0 if not summary.score else 2 if summary.score[1] > summary.score[0] else 1
    sides = [(number, names[number]) for number in winner_first(leader)]
    sections = [
        *([_maps(summary.maps)] if summary.maps else []),
        *scoreboards(order, sides),
        listing("🏅 Awards", (_honour(award.title, award.name, award.value) for award in summary.awards)),
        listing("📈 Records broken", map(_record, summary.records)),
        *details(order),
    ]
    embed = Embed(
        title="🌙 Session complete",
        colour=PURPLE,
        description="\n".join(lines),
        author=plain(summary.server, WORDS),
        timestamp=summary.ended_at,
        image=SESSION_FILE if picture else None,
    )
    return with_milestones(fill(embed, sections), summary.milestones)


def digest_message(summary: Digest) -> Message:
    """The one post for rounds that an outage held back."""
    order = ranking(summary.players)
    lines = [
        f"Posting was held up. {count(summary.rounds, 'round')} from {moment(summary.first_at, 'f')} "
        f"to {moment(summary.last_at, 'f')} are in the statistics:",
        "",
        *podium(order),
    ]
    played = (f"{escape(name, WORDS)} · {count(rounds, 'round')}" for name, rounds in summary.maps)
    embed = Embed(
        title=f"📦 {count(summary.rounds, 'round')} in one post",
        colour=GREY,
        description="\n".join(lines),
        author=plain(summary.server, WORDS),
        timestamp=summary.last_at,
    )
    sections = [table("Players", list(enumerate(order, 1)), FRAGS)] if order else []
    return with_milestones(fill(embed, [listing("Maps", played), *sections]))


def thread_title(server: str, started_on: str) -> str:
    """A forum thread's name for a session, within Discord's limit; `started_on` is the local date as text."""
    widths = range(THREAD_NAME, 0, -1)  # a name of many marks has more code points than columns
    return next(text for width in widths if len(text := plain(f"{started_on} · {server}", width)) <= THREAD_NAME)


def with_milestones(embed: Embed, milestones: Sequence[Milestone] = ()) -> Message:
    """One card; milestones are above it, and only those may ping, and only players who opted in."""
    content: list[str] = []
    mentions: list[str] = []
    for milestone in milestones:
        asked = milestone.mention is not None and milestone.mention.isascii() and milestone.mention.isdecimal()
        who = f"<@{milestone.mention}>" if asked else f"**{escape(milestone.name, NAME)}**"
        line = f"🎖️ {who} {escape(milestone.text, 2 * WORDS)}"
        if len("\n".join([*content, line])) > CONTENT:
            break
        content.append(line)
        if asked and milestone.mention and milestone.mention not in mentions:
            mentions.append(milestone.mention)
    pictures = (embed.image,) if embed.image else ()
    return Message(embeds=(embed,), content="\n".join(content), mentions=tuple(mentions), attachments=pictures)


def _honour(title: str, name: str, value: str) -> str:
    return f"**{escape(title, WORDS)}** {escape(name, NAME)} · {escape(value, WORDS)}"


def _record(record: BrokenRecord) -> str:
    before = f" (was {escape(record.before, WORDS)})" if record.before else ""
    return _honour(record.title, record.name, record.value) + before


def _round_headline(summary: RoundSummary) -> str:
    winner = f"**{_SIDES[summary.winner_team]}**" if summary.winner_team in _SIDES else ""
    limit = mss(summary.time_limit_seconds)
    match summary.outcome:
        case "completed" if winner:
            return f"{winner} attacked and won in **{mss(summary.actual_time_seconds)}** of {limit}"
        case "fullhold" if winner:
            return f"{winner} held the full **{limit}** · full hold"
        case "surrender" if winner:
            return f"{winner} won by surrender after **{mss(summary.played_seconds)}** of {limit}"
    time = mss(summary.actual_time_seconds or summary.played_seconds)
    return f"{winner} won · **{time}** of {limit}" if winner else f"No winner recorded · **{time}** of {limit}"


def _role(side: int, summary: RoundSummary) -> str:
    if summary.defender_team not in _SIDES:
        return ""
    role = " (defence)" if side == summary.defender_team else " (attack)"
    return role + (" · won" if side == summary.winner_team else "")


def _map_headline(summary: MapSummary, names: dict[int, str]) -> str:
    if not summary.score:
        return "**The winner cannot be told from the files**"
    first, second = summary.score
    if summary.winner in names:
        return f"**{names[summary.winner]} wins {max(first, second)}:{min(first, second)}**"
    return f"**Draw {first}:{second}**" if first == second else f"**{first}:{second}**"


def _round_line(result: RoundResult, names: dict[int, str]) -> str:
    who = f" · {names[result.attackers]} attacks" if result.attackers in names else ""
    limit = mss(result.time_limit_seconds)
    match result.outcome:
        case "completed":
            end = f"done in **{mss(result.actual_time_seconds)}** of {limit}"
        case "fullhold":
            end = f"held for the full **{limit}**"
        case "surrender":
            end = f"surrender after **{mss(result.played_seconds)}** of {limit}"
        case _:
            end = f"**{mss(result.actual_time_seconds or result.played_seconds)}** of {limit}"
    return f"Round {result.round_number}{who} · {end}"


def _maps(maps: Sequence[MapScore]) -> Section:
    rows = tuple(
        cell(played.map_name, 14)
        + "".join(mss(time).rjust(7) for time in played.times)
        + (f"{played.score[0]}:{played.score[1]}" if played.score else "-").rjust(6)
        for played in maps
    )
    head = "Map".ljust(14) + "R1".rjust(7) + "R2".rjust(7) + "Score".rjust(6)
    return Section(name="Maps", code=True, head=head, rows=rows)
