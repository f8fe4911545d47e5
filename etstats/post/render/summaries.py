"""The full posts of rounds, maps, sessions and backlogs, laid out for a phone.

All text from outside passes `text.escape`, `text.cell` or `text.plain`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from etstats.domain.names import clean_name
from etstats.domain.rounds import ALLIES, AXIS
from etstats.domain.stats import ScoreLine
from etstats.domain.views import (
    MapResult,
    MapRound,
    MatchView,
    MilestoneRow,
    RecordRow,
    RoundRow,
    RoundView,
    SessionView,
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


class Milestone(NamedTuple):
    """A newly reached achievement; `mention` is the Discord user id of a linked player who wants mentions."""

    name: str
    text: str
    mention: str | None = None


class Digest(NamedTuple):
    """Rounds of a backlog, posted in one message.

    `maps` are (map name, rounds) in the order played.
    """

    server: str
    first_at: datetime
    last_at: datetime
    rounds: int
    maps: tuple[tuple[str, int], ...]
    players: tuple[ScoreLine, ...]


def round_message(view: RoundView) -> Message:
    """Return the post of a round: blue for round 1, red for round 2."""
    round_, order = view.round, ranking(view.players)
    lines = [_round_headline(round_)]
    if round_.is_cumulative:
        lines.append("⚠️ Round 1 of this map is missing: the numbers are both rounds together.")
    lines += ["", *podium(order)]
    sides = [(side, _SIDES[side] + _role(side, round_)) for side in winner_first(round_.winner_team)]
    embed = Embed(
        title=escape(round_.map_name, WORDS) + ("" if not round_.stopwatch else f" · round {round_.round_number}"),
        colour=BLUE if round_.round_number == 1 else RED,
        description="\n".join(lines),
        author=plain(round_.server, WORDS),
        footer=plain(round_.filename),
        timestamp=round_.ended_at,
    )
    return with_milestones(
        fill(embed, [*scoreboards(order, sides), *details(order)]), milestones_of(view.milestones)
    )


def map_message(view: MatchView, *, picture: bool = False) -> Message:
    """Return the post of a map: the winner, both times, the numbers of both rounds; `picture` attaches one."""
    map_, order = view.map, ranking(view.players)
    names = line_ups(view.team_names)
    lines = [_map_headline(map_, names), *(_round_line(result, names) for result in map_.rounds)]
    lines += ["", *mvp_line(view.mvp), *podium(order)]
    sides = [(number, names[number]) for number in winner_first(map_.winner)]
    embed = Embed(
        title=f"🏁 {escape(map_.map_name, WORDS)} · map complete",
        colour=GOLD,
        description="\n".join(lines),
        author=plain(view.server, WORDS),
        footer="\n".join(plain(name) for name in view.filenames),
        timestamp=map_.ended_at,
        image=SCOREBOARD_FILE if picture else None,
    )
    return with_milestones(fill(embed, [*scoreboards(order, sides), *details(order)]))


def session_message(view: SessionView, *, picture: bool = False) -> Message:
    """Return the post of a session: score, maps, line-ups, all players' numbers, awards, records."""
    order = ranking(view.players)
    names = line_ups(view.team_names)
    length = int((view.ended_at - view.started_at).total_seconds()) // 60
    counts = (
        f"{length // 60} h {length % 60:02}",
        count(len(view.rounds), "round"),
        count(len(view.maps), "map"),
    )
    lines = [" · ".join((moment(view.started_at, "f"), *counts))]
    if view.score:
        lines.append(f"**{names[1]} {view.score[0]} : {view.score[1]} {names[2]}**")
    lines += ["", *mvp_line(view.mvp), *podium(order)]
    leader = 0 if not view.score else 2 if view.score[1] > view.score[0] else 1
    sides = [(number, names[number]) for number in winner_first(leader)]
    sections = [
        *([_maps(view.maps)] if view.maps else []),
        *scoreboards(order, sides),
        listing("🏅 Awards", (_honour(row.title, row.player_name, row.text) for row in view.awards)),
        listing("📈 Records broken", map(_record, view.records)),
        *details(order),
    ]
    embed = Embed(
        title="🌙 Session complete",
        colour=PURPLE,
        description="\n".join(lines),
        author=plain(view.server, WORDS),
        timestamp=view.ended_at,
        image=SESSION_FILE if picture else None,
    )
    return with_milestones(fill(embed, sections), milestones_of(view.milestones))


def digest_message(summary: Digest) -> Message:
    """Return the post for the rounds of a backlog."""
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
    """Return the name of a session's forum thread, within Discord's limit; `started_on` is the local date."""
    widths = range(THREAD_NAME, 0, -1)  # a name with many combining marks has more code points than columns
    return next(text for width in widths if len(text := plain(f"{started_on} · {server}", width)) <= THREAD_NAME)


def milestones_of(rows: Iterable[MilestoneRow]) -> list[Milestone]:
    """Return the milestones for a message."""
    return [
        Milestone(clean_name(row.player_name), f"{row.title}: {row.threshold:,} {row.unit}", row.discord_user_id)
        for row in rows
    ]


def record_title(record: RecordRow) -> str:
    """Return the title of a broken record, and its holder."""
    return f"{'All-time' if record.is_all_time else 'Own'} best {record.title}"


def before_words(record: RecordRow) -> str:
    """Return the previous value of a record in brackets; empty for the first one."""
    return "" if record.before is None else f" (was {record.before:,.0f})"


def with_milestones(embed: Embed, milestones: Sequence[Milestone] = ()) -> Message:
    """Return a message with one card and the milestones above it; only players who opted in are pinged."""
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


def _honour(title: str, player_name: str, value: str) -> str:
    return f"**{escape(title, WORDS)}** {escape(clean_name(player_name), NAME)} · {escape(value, WORDS)}"


def _record(record: RecordRow) -> str:
    return _honour(record_title(record), record.player_name, f"{record.value:,.0f}") + before_words(record)


def _round_headline(round_: RoundRow) -> str:
    winner = f"**{_SIDES[round_.winner_team]}**" if round_.winner_team in _SIDES else ""
    limit = mss(round_.time_limit_seconds)
    match round_.outcome:
        case "completed" if winner:
            return f"{winner} attacked and won in **{mss(round_.actual_time_seconds)}** of {limit}"
        case "fullhold" if winner:
            if round_.held == "set_time":
                return f"{winner} held the set time of **{limit}**"
            return f"{winner} held the full **{limit}** · full hold"
        case "surrender" if winner:
            return f"{winner} won by surrender after **{mss(round_.played_seconds)}** of {limit}"
    time = mss(round_.actual_time_seconds or round_.played_seconds)
    return f"{winner} won · **{time}** of {limit}" if winner else f"No winner recorded · **{time}** of {limit}"


def _role(side: int, round_: RoundRow) -> str:
    if round_.defender_team not in _SIDES:
        return ""
    role = " (defence)" if side == round_.defender_team else " (attack)"
    return role + (" · won" if side == round_.winner_team else "")


def _map_headline(map_: MapResult, names: dict[int, str]) -> str:
    if not map_.score:
        return "**The files do not show the winner**"
    first, second = map_.score
    if map_.winner in names:
        return f"**{names[map_.winner]} wins {max(first, second)}:{min(first, second)}**"
    return f"**Draw {first}:{second}**" if first == second else f"**{first}:{second}**"


def _round_line(result: MapRound, names: dict[int, str]) -> str:
    who = f" · {names[result.attackers]} attacks" if result.attackers in names else ""
    limit = mss(result.time_limit_seconds)
    match result.outcome:
        case "completed":
            end = f"done in **{mss(result.actual_time_seconds)}** of {limit}"
        case "fullhold":
            until = "set time of" if result.held == "set_time" else "full"
            end = f"held for the {until} **{limit}**"
        case "surrender":
            end = f"surrender after **{mss(result.played_seconds)}** of {limit}"
        case _:
            end = f"**{mss(result.actual_time_seconds or result.played_seconds)}** of {limit}"
    return f"Round {result.round_number}{who} · {end}"


def _maps(maps: Sequence[MapResult]) -> Section:
    rows = tuple(
        cell(played.map_name, 14)
        + "".join(mss(seconds).rjust(7) for seconds in map(played.seconds_of, (1, 2)))
        + (f"{played.score[0]}:{played.score[1]}" if played.score else "-").rjust(6)
        for played in maps
    )
    head = "Map".ljust(14) + "R1".rjust(7) + "R2".rjust(7) + "Score".rjust(6)
    return Section(name="Maps", code=True, head=head, rows=rows)
