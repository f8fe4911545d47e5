"""The compact posts of a round, a map and a session: the result, what decided it, the players' numbers.

A post fits on a phone's screen. `History` has the values that a post compares with; corrections are detected by
the fingerprint of the message without it.
"""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from etstats.domain.history import NO_HISTORY, History
from etstats.domain.names import clean_name
from etstats.domain.rounds import ALLIES, AXIS
from etstats.domain.stats import ScoreLine
from etstats.domain.views import (
    AwardRow,
    MapResult,
    MapRound,
    MatchView,
    Mvp,
    RecordRow,
    RoundRow,
    RoundView,
    SessionView,
)
from etstats.post.render.highlights import (
    ROUND_FEATS,
    SESSION_FEATS,
    attack_words,
    best_lines,
    bold,
    chance_words,
    feat_lines,
    fight_line,
    missing_line,
    mvp_words,
    objective_line,
    odds_line,
    usual_lines,
)
from etstats.post.render.message import Embed, Message
from etstats.post.render.sections import NAME, WORDS, count, line_ups, moment, ranking, winner_first
from etstats.post.render.summaries import (
    BLUE,
    GOLD,
    GREY,
    PURPLE,
    RED,
    SCOREBOARD_FILE,
    SESSION_FILE,
    Milestone,
    before_words,
    milestones_of,
    record_title,
    with_milestones,
)
from etstats.post.render.text import ZERO_WIDTH_SPACE, cell, char_columns, escape, mss, plain, short, whole
from etstats.stats.teams import without_tags

_LINE_WIDTH = 19.5  # width of a text line on a phone, in units of the font size
_TITLE_SCALE = 1.25  # width of the bold title font relative to the text font
_NO_BREAK = "\u00a0"
_NARROW, _WIDE = frozenset(_NO_BREAK + " iljIfrt.,:;'|!()[]·"), frozenset("mwMW@%")
_ROUND_ROWS, _MAP_ROWS, _SESSION_ROWS = 8, 12, 9  # rows of text, to limit the height of posts
_FULL_TABLE = 12  # players; three fewer give one more row to the text of a round
_SIDE_PLAYERS, _MAPS = 8, 12  # rows of a team in the table of a round, and maps in that of a session
_TITLE = 18  # columns of a map's name in a title
_SIDE_COLOURS = {AXIS: RED, ALLIES: BLUE}
_COLUMNS = 34  # of a table, on a phone
_HEADS = ("K", "D", "G", "Dmg", "DPM", "Acc")
_LEAST_NAME, _LONGEST_NAME = 6, 20  # columns
_AWARDED = 2  # names of players with equal values
_MILESTONES = 3  # lines of players who are not mentioned
_TIMESTAMP = re.compile(r"<t:\d+:\w>")
_SHOWN_AS_ONE = re.compile(r"\\(.)|\*\*|" + ZERO_WIDTH_SPACE)


class SeriesSummary(NamedTuple):
    """Consecutive maps of a session between the same two teams; `mvp` is a name, or empty."""

    team_names: tuple[str, str]
    score: tuple[int, int] | None
    maps: tuple[MapResult, ...]
    mvp: str = ""


def round_post(view: RoundView, history: History = NO_HISTORY) -> Message:
    """Return the post of a round: the result in the title, what decided it, and a table of both teams."""
    round_ = view.round
    players = ranking(without_tags(view.players, view.team_names))
    names = line_ups(view.team_names)
    lines = _Lines()
    lines.add(0, _attack(round_, names, history))
    if round_.is_cumulative:
        lines.add(0, "⚠️ Round 1 of this map is missing: the numbers are both rounds together.")
    rank = history.attacks.get(round_.round_number)
    lines.add(1, odds_line(rank, names.get(round_.defender_team, ""), round_.actual_time_seconds))
    lines.add(2, objective_line(players))
    if not view.hidden and not round_.is_cumulative:
        lines.add(2, missing_line(players, names))
    lines.add(4, fight_line(players))
    lines.add(1, *best_lines(players, history))
    lines.add(1, *usual_lines(players, history))
    lines.add(5, *feat_lines(players, ROUND_FEATS, history))
    mentioned = _add_milestones(lines, _milestones(history, players))
    title = _round_title(round_, names)
    rows = _ROUND_ROWS + max(0, _FULL_TABLE - len(players)) // 3
    embed = Embed(
        title=title,
        colour=_SIDE_COLOURS.get(round_.winner_team, GREY),
        description="\n".join([*lines.fit(_left(rows, title, mentioned)), *_table(players, view)]),
        footer=plain(round_.server, WORDS),
        timestamp=round_.ended_at,
    )
    return with_milestones(embed, mentioned)


def map_post(view: MatchView, history: History = NO_HISTORY, *, picture: bool = True) -> Message:
    """Return the post of a map after round 2: the score, both attacks, the MVP, the picture."""
    map_ = view.map
    players = ranking(without_tags(view.players, view.team_names))
    names = line_ups(view.team_names)
    lines = _Lines()
    for result in map_.rounds:
        lines.add(0, _attack_line(result, names, history))
    lines.add(0, _mvp(players, view.mvp, history))
    lines.add(4, objective_line(players))
    if not view.hidden:
        lines.add(4, missing_line(players, names))
    lines.add(6, fight_line(players))
    lines.add(3, *best_lines(players, history))
    lines.add(3, *usual_lines(players, history))
    lines.add(2, _ratings(history, names, map_.winner))
    mentioned = _add_milestones(lines, _milestones(history, players))
    title = _map_title(map_, names)
    shown = lines.fit(_left(_MAP_ROWS, title, mentioned))
    if not picture:
        shown += _team_tables(players, names)
    embed = Embed(
        title=title,
        colour=GOLD,
        description="\n".join(shown),
        footer=plain(view.server, WORDS),
        timestamp=map_.ended_at,
        image=SCOREBOARD_FILE if picture else None,
    )
    return with_milestones(embed, mentioned)


def session_post(view: SessionView, history: History = NO_HISTORY, *, picture: bool = True) -> Message:
    """Return the post of a session: each series with its score, its maps, feats, records, the picture.

    A single round has no MVP, no records and no picture.
    """
    if len(view.rounds) == 1:
        view, picture = view._replace(mvp=None, records=()), False
    players = ranking(view.players)
    series = all_series(view)
    length = int((view.ended_at - view.started_at).total_seconds()) // 60
    parts = (
        f"{moment(view.started_at, 't')} to {moment(view.ended_at, 't')}",
        f"{length // 60} h {length % 60:02}",
        count(len(view.maps), "map"),
    )
    lines = _Lines()
    lines.add(0, " · ".join(parts))
    for one in series if len(series) > 1 else ():
        lines.add(0, _series_line(one))
    lines.add(0, _mvp(players, view.mvp, history))
    lines.add(1, *usual_lines(players, history))
    lines.add(1, *map(_record_line, view.records))
    lines.add(2, *feat_lines(players, SESSION_FEATS, history))
    lines.add(4, *(_award_line(list(own)) for _, own in groupby(view.awards, lambda award: award.title)))
    mentioned = _add_milestones(lines, milestones_of(view.milestones))
    title = _session_title(series)
    shown = lines.fit(_left(_SESSION_ROWS, title, mentioned)) + _map_table(series)
    if not picture:
        shown += _team_tables(players, {})
    embed = Embed(
        title=title,
        colour=PURPLE,
        description="\n".join(shown),
        footer=plain(view.server, WORDS),
        timestamp=view.ended_at,
        image=SESSION_FILE if picture else None,
    )
    return with_milestones(embed, mentioned)


def all_series(view: SessionView) -> tuple[SeriesSummary, ...]:
    """Return the series of a session; a single one if the line-ups did not change."""
    if len(view.series) < 2:
        return (SeriesSummary(view.team_names, view.score, view.maps),)
    return tuple(
        SeriesSummary(
            team_names=one.names,
            score=one.score,
            maps=tuple(played for played in view.maps if played.series == one.number),
            mvp=one.mvp.clean_name if one.mvp else "",
        )
        for one in view.series
    )


def shown_first(series: Sequence[SeriesSummary]) -> int:
    """Return the team whose points are shown first: with one series the winner, as in the title."""
    score = series[0].score if len(series) == 1 else None
    return 2 if score and score[0] < score[1] else 1


class _Lines:
    """Lines of text, shown as far as they fit on a phone, lower `rank` first."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []

    def add(self, rank: int, *lines: str) -> None:
        """Add lines in display order; each further line has a higher rank, and empty lines are skipped."""
        self._lines += [(rank + 2 * number, line) for number, line in enumerate(filter(None, lines))]

    def fit(self, rows: int) -> list[str]:
        """Return the lines that fill at most the given number of rows."""
        kept: set[int] = set()
        for number, (_, line) in sorted(enumerate(self._lines), key=lambda pair: (pair[1][0], pair[0])):
            needed = math.ceil(_width(line) / _LINE_WIDTH)
            if needed <= rows:
                kept.add(number)
                rows -= needed
        return [line for number, (_, line) in enumerate(self._lines) if number in kept]


def _left(rows: int, title: str, mentioned: Sequence[Milestone]) -> int:
    """Return the rows left for lines, out of the number for a one-row title without mentions."""
    return rows - len(mentioned) - math.ceil(_TITLE_SCALE * _width(title) / _LINE_WIDTH) + 1


def _milestones(history: History, players: Sequence[ScoreLine]) -> list[Milestone]:
    """Return the milestones of the visible players, with their current names."""
    names = {player.player_guid: player.clean_name for player in players}
    return [
        Milestone(name=names[step.guid], text=step.text, mention=step.mention)
        for step in history.milestones
        if step.guid in names
    ]


def _add_milestones(lines: _Lines, milestones: Sequence[Milestone]) -> list[Milestone]:
    """Add a line for each milestone, and return those of players to mention, which are shown above the post."""
    shown = [milestone for milestone in milestones if milestone.mention is None]
    for milestone in shown[:_MILESTONES]:
        lines.add(4, f"🎖️ **{escape(milestone.name, NAME)}** {escape(milestone.text, 2 * WORDS)}")
    return [milestone for milestone in milestones if milestone.mention is not None]


def _width(line: str) -> float:
    """Estimate the displayed width of a Markdown line, in units of the font size."""
    text = _SHOWN_AS_ONE.sub(r"\1", _TIMESTAMP.sub("00:00", line))
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> float:
    if char in _NARROW:
        return 0.31
    return (0.0, 0.92 if char in _WIDE else 0.66 if char.isupper() else 0.58, 1.3)[char_columns(char)]


def _round_title(round_: RoundRow, names: dict[int, str]) -> str:
    played = escape(round_.map_name, _TITLE)
    winner, loser = names.get(round_.winner_team), names.get(3 - round_.winner_team)
    match round_.outcome:
        case "completed" if winner:
            return f"{played} · {winner} in {mss(round_.actual_time_seconds)}"
        case "fullhold" if winner:
            return f"{played} · {winner} held {mss(round_.time_limit_seconds)}"
        case "surrender" if loser:
            return f"{played} · {loser} gave up"
    time = mss(round_.actual_time_seconds or round_.played_seconds)
    return f"{played} · {winner} won in {time}" if winner else f"{played} · no winner in {time}"


def _attack(round_: RoundRow, names: dict[int, str], history: History) -> str:
    """Return the line with the round, the attackers unless in the title, and the rank of the time on this map."""
    attackers = names.get(3 - round_.defender_team)
    head = "Match" if not round_.stopwatch else f"Round {round_.round_number}"
    rank = history.attacks.get(round_.round_number)
    match round_.outcome:
        case "completed":
            words = attack_words(rank) or (
                round_.round_number == 1 and chance_words(rank, round_.actual_time_seconds)
            )
            return f"{head} · " + (
                words or f"{mss(round_.actual_time_seconds)} of {mss(round_.time_limit_seconds)}"
            )
        case "surrender":
            return f"{head} · after {mss(round_.played_seconds)} of {mss(round_.time_limit_seconds)}"
    held = " · held the set time" if round_.held == "set_time" else ""
    return (f"{head} · **{attackers}** attacked" if attackers else head) + held


def _table(players: Sequence[ScoreLine], view: RoundView) -> list[str]:
    """Return both teams in one code block, winner first."""
    order = winner_first(view.round.winner_team)
    return _team_tables(players, {side: view.team_names[side - 1] for side in order})


def _team_tables(players: Sequence[ScoreLine], names: dict[int, str]) -> list[str]:
    """Return the teams in one code block; without team names all players in one list."""
    teams = [(name, [player for player in players if player.team == number]) for number, name in names.items()]
    return _code_table(teams, players)


def _code_table(teams: Sequence[tuple[str, list[ScoreLine]]], players: Sequence[ScoreLine]) -> list[str]:
    listed = [(name, members) for name, members in teams if members]
    known = {player.player_guid for _, members in listed for player in members}
    others = [player for player in players if player.player_guid not in known]
    if others:
        listed.append(("Players", others))
    shown = [_values(player) for _, members in listed for player in members[:_SIDE_PLAYERS]]
    widths = [1 + max(map(len, column)) for column in zip(_HEADS, *shown, strict=True)]
    names = max(_LEAST_NAME, min(_LONGEST_NAME, _COLUMNS - sum(widths)))
    rows: list[str] = []
    for name, members in listed:
        rows.append(cell(name, names) + _numbers(_HEADS, widths) if not rows else cell(name, _COLUMNS).rstrip())
        rows += [
            " " + cell(member.clean_name, names - 1) + _numbers(_values(member), widths)
            for member in members[:_SIDE_PLAYERS]
        ]
        if len(members) > _SIDE_PLAYERS:
            rows.append(f" … and {len(members) - _SIDE_PLAYERS} more")
    return ["```\n" + "\n".join(rows) + "\n```"] if rows else []


def _numbers(texts: Iterable[str], widths: Iterable[int]) -> str:
    return "".join(text.rjust(width) for text, width in zip(texts, widths, strict=True))


def _values(player: ScoreLine) -> tuple[str, ...]:
    accuracy = "-" if player.accuracy is None else f"{player.accuracy:.0f}%"
    damage, dpm = short(player.damage_given), f"{player.dpm:.0f}"
    return str(player.kills), str(player.deaths), whole(player.gibs), damage, dpm, accuracy


def _map_title(map_: MapResult, names: dict[int, str]) -> str:
    played = f"🏁 {escape(map_.map_name, _TITLE)}"
    if not map_.score:
        return f"{played} · no result"
    first, second = map_.score
    if map_.winner in names:
        return f"{played} · {names[map_.winner]} {max(first, second)}:{min(first, second)}"
    return f"{played} · draw {first}:{second}" if first == second else f"{played} · {first}:{second}"


def _attack_line(result: MapRound, names: dict[int, str], history: History) -> str:
    """Return the result of an attack: `alpha took it in 6:52 · 2nd fastest of 71`."""
    attackers = f"**{names[result.attackers]}**" if result.attackers in names else f"Round {result.round_number}:"
    match result.outcome:
        case "completed":
            line = f"⚔️ {attackers} took it in **{mss(result.actual_time_seconds)}**"
        case "fullhold":
            held = " (the set time)" if result.held == "set_time" else ""
            line = f"🛡️ {attackers} was held for **{mss(result.time_limit_seconds)}**{held}"
        case "surrender":
            line = f"🏳️ {attackers} gave up after **{mss(result.played_seconds)}**"
        case _:
            line = f"⚔️ {attackers} **{mss(result.actual_time_seconds or result.played_seconds)}**"
    words = attack_words(history.attacks.get(result.round_number))
    return f"{line} · {words}" if words and result.outcome == "completed" else line


def _mvp(players: Sequence[ScoreLine], mvp: Mvp | None, history: History) -> str:
    best = next((player for player in players if mvp and player.player_guid == mvp.player_guid), None)
    return f"⭐ {bold(best, history)} MVP: {mvp_words(best, players)}" if best else ""


def _ratings(history: History, names: dict[int, str], winner: int) -> str:
    """Return the changes of the ratings, winner first, with the winner's predicted chance."""
    if not history.rating_changes:
        return ""
    parts: list[str] = []
    for team in winner_first(winner):
        change = history.rating_changes[team - 1]
        points = round(change.points)
        is_known = team == winner and change.chance_percent is not None
        chance = f" ({change.chance_percent:.0f} % to win)" if is_known else ""
        parts.append(f"{names[team]}{_NO_BREAK}{f'{points:+d}' if points else '±0'}{chance}")
    return "📊 Rating: " + ", ".join(parts)


def _record_line(record: RecordRow) -> str:
    title = record_title(record)
    title = escape(title[:1].lower() + title[1:], WORDS)
    name = escape(clean_name(record.player_name), NAME)
    return f"🏆 **{name}** {title}: {record.value:,.0f}{before_words(record)}"


def _award_line(equal: Sequence[AwardRow]) -> str:
    """Return an award with its players, or with their number."""
    names = ", ".join(f"**{escape(clean_name(award.player_name), NAME)}**" for award in equal[:_AWARDED])
    who = names if len(equal) <= _AWARDED else count(len(equal), "player")
    return f"🏅 {escape(equal[0].title, WORDS)}: {who} {escape(equal[0].text, WORDS)}"


def _session_title(series: Sequence[SeriesSummary]) -> str:
    if len(series) > 1:
        return f"🌙 Session: {len(series)} series"
    (one,) = series
    if not one.score:
        return "🌙 Session complete"
    names = [escape(name, NAME) for name in one.team_names]
    first, second = one.score
    if first == second:
        return f"🌙 {names[0]} {first}:{second} {names[1]}"
    winner, loser = names if first > second else reversed(names)
    return f"🌙 {winner} beats {loser} {max(first, second)}:{min(first, second)}"


def _series_line(one: SeriesSummary) -> str:
    names = [escape(name, NAME) for name in one.team_names]
    score = f"{one.score[0]}:{one.score[1]}" if one.score else "-"
    best = f" · ⭐ {escape(one.mvp, NAME)}" if one.mvp else ""
    return f"**{names[0]} {score} {names[1]}**{best}"


def _map_table(series: Sequence[SeriesSummary]) -> list[str]:
    """Return the results of the attacks in a code block; a time in brackets is that of a surrender.

    The points are in the order of the teams in the title, or in the line of the series.
    """
    rows: list[str] = []
    left = _MAPS
    for one in series:
        if not one.maps:
            continue
        if not rows:
            rows.append(cell("Map", 15) + "R1".rjust(7) + "R2".rjust(7))
        if len(series) > 1:
            rows.append(cell(" - ".join(one.team_names), _COLUMNS).rstrip())
        for played in one.maps[:left]:
            times = [_ending(played, number) for number in (1, 2)]
            points = played.score[::-1] if played.score and shown_first(series) == 2 else played.score
            score = f"{points[0]}:{points[1]}" if points else "-"
            rows.append(cell(played.map_name, 15) + times[0].rjust(7) + times[1].rjust(7) + score.rjust(5))
        if len(one.maps) > left:
            rows.append(f"… and {count(len(one.maps) - left, 'map')} more")
        left = max(0, left - len(one.maps))
    return ["```\n" + "\n".join(rows) + "\n```"] if rows else []


def _ending(played: MapResult, number: int) -> str:
    round_ = played.round_of(number)
    match round_.outcome if round_ else "":
        case "fullhold":
            return "held"
        case "surrender":
            return f"({mss(played.seconds_of(number))})"
    return mss(played.seconds_of(number))
