"""The compact posts of a round, a map and a session: who won and how, what decided it, how everybody did.

A post fits one screen of a phone. `History` is what a post compares with; the fingerprint by which corrections are
found is that of the message without it.
"""

import math
import re
from collections.abc import Iterable, Sequence

from etstats.post.render.facts import (
    ALLIES,
    AXIS,
    NO_HISTORY,
    AwardLine,
    BrokenRecord,
    History,
    MapScore,
    MapSummary,
    PlayerLine,
    RoundResult,
    RoundSummary,
    SeriesSummary,
    SessionSummary,
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
    mvp_words,
    objective_line,
    usual_lines,
    without_tags,
)
from etstats.post.render.message import Embed, Message
from etstats.post.render.sections import NAME, WORDS, count, moment, ranking
from etstats.post.render.summaries import (
    BLUE,
    GOLD,
    GREY,
    PURPLE,
    RED,
    SCOREBOARD_FILE,
    SESSION_FILE,
    with_milestones,
)
from etstats.post.render.text import ZERO_WIDTH_SPACE, cell, char_columns, escape, mss, plain, short

_LINE_WIDTH = 19.5  # of a line of running text on a phone, in units of the font's size
_NARROW, _WIDE = frozenset(" iljIfrt.,:;'|!()[]·"), frozenset("mwMW@%")
_ROUND_ROWS, _MAP_ROWS, _SESSION_ROWS = 8, 10, 9  # of running text, so that the posts keep their heights
_SIDE_PLAYERS, _MAPS = 8, 12  # rows of a team in the table of a round, and maps in that of a session
_TITLE = 18  # columns of a map's name in a title
_SIDE_COLOURS = {AXIS: RED, ALLIES: BLUE}
_NUMBERS = (3, 3, 3, 6, 4, 5)
_HEADS = ("K", "D", "G", "Dmg", "DPM", "Acc")
_NAME_COLUMNS = 34 - sum(_NUMBERS)
_TIMESTAMP = re.compile(r"<t:\d+:\w>")
_SHOWN_AS_ONE = re.compile(r"\\(.)|\*\*|" + ZERO_WIDTH_SPACE)


def round_post(summary: RoundSummary, history: History = NO_HISTORY) -> Message:
    """The post after a round: the result in its title, what decided it, and a table of both teams."""
    players = ranking(without_tags(summary.players, summary.tags))
    names = {side: escape(name, NAME) for side, name in enumerate(summary.team_names, 1)}
    lines = _Lines()
    lines.add(0, _attack(summary, names, history))
    if summary.is_cumulative:
        lines.add(0, "⚠️ Round 1 of this map is missing: the numbers are both rounds together.")
    lines.add(2, objective_line(players), fight_line(players))
    lines.add(1, *best_lines(players, history))
    lines.add(1, *usual_lines(players, history, 3))
    lines.add(5, *feat_lines(players, ROUND_FEATS, history))
    embed = Embed(
        title=_round_title(summary, names),
        colour=_SIDE_COLOURS.get(summary.winner_team, GREY),
        description="\n".join([*lines.fit(_ROUND_ROWS - len(summary.milestones)), *_table(players, summary)]),
        footer=plain(summary.server, WORDS),
        timestamp=summary.ended_at,
    )
    return with_milestones(embed, summary.milestones)


def map_post(summary: MapSummary, history: History = NO_HISTORY, *, picture: bool = True) -> Message:
    """The post after a map and its second round: the score, both attacks, the MVP, the picture."""
    players = ranking(without_tags(summary.players, summary.tags))
    names = {number: escape(name, NAME) for number, name in enumerate(summary.line_up_names, 1)}
    lines = _Lines()
    for result in summary.rounds:
        lines.add(0, _attack_line(result, names, history))
    lines.add(0, _mvp(players, summary.mvp, history))
    lines.add(4, objective_line(players), fight_line(players))
    lines.add(3, *best_lines(players, history))
    lines.add(3, *usual_lines(players, history, 3))
    lines.add(6, _ratings(history, names))
    shown = lines.fit(_MAP_ROWS)
    if not picture:
        shown += _team_tables(players, names)
    embed = Embed(
        title=_map_title(summary, names),
        colour=GOLD,
        description="\n".join(shown),
        footer=plain(summary.server, WORDS),
        timestamp=summary.ended_at,
        image=SCOREBOARD_FILE if picture else None,
    )
    return with_milestones(embed, ())


def session_post(summary: SessionSummary, history: History = NO_HISTORY, *, picture: bool = True) -> Message:
    """The post at a session's end: each series with its score, its maps, feats, records, the picture."""
    players = ranking(summary.players)
    series = all_series(summary)
    length = int((summary.ended_at - summary.started_at).total_seconds()) // 60
    parts = (
        f"{moment(summary.started_at, 't')} to {moment(summary.ended_at, 't')}",
        f"{length // 60} h {length % 60:02}",
        count(len(summary.maps), "map"),
    )
    lines = _Lines()
    lines.add(0, " · ".join(parts))
    for one in series if len(series) > 1 else ():
        lines.add(0, _series_line(one))
    lines.add(0, _mvp(players, summary.mvp, history))
    lines.add(1, *usual_lines(players, history, 3))
    lines.add(1, *map(_record_line, summary.records))
    lines.add(2, *feat_lines(players, SESSION_FEATS, history))
    lines.add(4, *map(_award_line, summary.awards))
    shown = lines.fit(_SESSION_ROWS - len(summary.milestones)) + _map_table(series)
    if not picture:
        shown += _team_tables(players, {})
    embed = Embed(
        title=_session_title(series),
        colour=PURPLE,
        description="\n".join(shown),
        footer=plain(summary.server, WORDS),
        timestamp=summary.ended_at,
        image=SESSION_FILE if picture else None,
    )
    return with_milestones(embed, summary.milestones)


def all_series(summary: SessionSummary) -> tuple[SeriesSummary, ...]:
    """Return the series of a session; one where the line-ups did not change."""
    return summary.series or (SeriesSummary(summary.line_up_names, summary.score, summary.maps),)


class _Lines:
    """Lines of text of which as many are shown as fit on a phone, those of a lower `rank` first."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []

    def add(self, rank: int, *lines: str) -> None:
        """Add lines in the order to show them; each further one ranks later, and empty ones are left out."""
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


def _width(line: str) -> float:
    """Estimate how wide a line of Markdown is shown, in units of the font's size."""
    text = _SHOWN_AS_ONE.sub(r"\1", _TIMESTAMP.sub("00:00", line))
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> float:
    if char in _NARROW:
        return 0.31
    return (0.0, 0.92 if char in _WIDE else 0.66 if char.isupper() else 0.58, 1.3)[char_columns(char)]


def _round_title(summary: RoundSummary, names: dict[int, str]) -> str:
    played = escape(summary.map_name, _TITLE)
    winner, loser = names.get(summary.winner_team), names.get(3 - summary.winner_team)
    match summary.outcome:
        case "completed" if winner:
            return f"{played} · {winner} in {mss(summary.actual_time_seconds)}"
        case "fullhold" if winner:
            return f"{played} · {winner} held {mss(summary.time_limit_seconds)}"
        case "surrender" if loser:
            return f"{played} · {loser} gave up"
    time = mss(summary.actual_time_seconds or summary.played_seconds)
    return f"{played} · {winner} won in {time}" if winner else f"{played} · no winner in {time}"


def _attack(summary: RoundSummary, names: dict[int, str], history: History) -> str:
    """Which round it was, who attacked where the title does not say it, and how good the time is on this map."""
    attackers = names.get(3 - summary.defender_team)
    head = f"Round {summary.round_number}"
    rank = history.attacks.get(summary.round_number)
    match summary.outcome:
        case "completed":
            words = attack_words(rank) or (
                summary.round_number == 1 and chance_words(rank, summary.actual_time_seconds)
            )
            return f"{head} · " + (
                words or f"{mss(summary.actual_time_seconds)} of {mss(summary.time_limit_seconds)}"
            )
        case "surrender":
            return f"{head} · after {mss(summary.played_seconds)} of {mss(summary.time_limit_seconds)}"
    return f"{head} · **{attackers}** attacked" if attackers else head


def _table(players: Sequence[PlayerLine], summary: RoundSummary) -> list[str]:
    """Both teams in one code block, the winner's first."""
    order = (2, 1) if summary.winner_team == ALLIES else (1, 2)
    return _code_table(
        [(summary.team_names[side - 1], [p for p in players if p.team == side]) for side in order], players
    )


def _team_tables(players: Sequence[PlayerLine], names: dict[int, str]) -> list[str]:
    """The teams in one code block; without names everybody is in one list."""
    teams = [(name, [p for p in players if p.team == number]) for number, name in names.items()]
    return _code_table(teams, players)


def _code_table(teams: Sequence[tuple[str, list[PlayerLine]]], players: Sequence[PlayerLine]) -> list[str]:
    listed = [(name, members) for name, members in teams if members]
    known = {player.guid for _, members in listed for player in members}
    others = [player for player in players if player.guid not in known]
    if others:
        listed.append(("Players", others))
    rows: list[str] = []
    for name, members in listed:
        heads = _HEADS if not rows else [""] * len(_HEADS)
        rows.append((cell(name, _NAME_COLUMNS) + _numbers(heads)).rstrip())
        rows += [" " + cell(p.name, _NAME_COLUMNS - 1) + _numbers(_values(p)) for p in members[:_SIDE_PLAYERS]]
        if len(members) > _SIDE_PLAYERS:
            rows.append(f" … and {len(members) - _SIDE_PLAYERS} more")
    return ["```\n" + "\n".join(rows) + "\n```"] if rows else []


def _numbers(texts: Iterable[str]) -> str:
    return "".join(text.rjust(width) for text, width in zip(texts, _NUMBERS, strict=True))


def _values(player: PlayerLine) -> tuple[str, ...]:
    accuracy = "-" if player.accuracy is None else f"{player.accuracy:.0f}%"
    damage, dpm = short(player.damage_given), f"{player.dpm:.0f}"
    return str(player.kills), str(player.deaths), str(player.gibs), damage, dpm, accuracy


def _map_title(summary: MapSummary, names: dict[int, str]) -> str:
    played = f"🏁 {escape(summary.map_name, _TITLE)}"
    if not summary.score:
        return f"{played} · no result"
    first, second = summary.score
    if summary.winner in names:
        return f"{played} · {names[summary.winner]} {max(first, second)}:{min(first, second)}"
    return f"{played} · draw {first}:{second}" if first == second else f"{played} · {first}:{second}"


def _attack_line(result: RoundResult, names: dict[int, str], history: History) -> str:
    """How one attack of a map ended: `alpha took it in 6:52 · 2nd fastest of 71`."""
    attackers = f"**{names[result.attackers]}**" if result.attackers in names else f"Round {result.round_number}:"
    match result.outcome:
        case "completed":
            line = f"⚔️ {attackers} took it in **{mss(result.actual_time_seconds)}**"
        case "fullhold":
            line = f"🛡️ {attackers} was held for **{mss(result.time_limit_seconds)}**"
        case "surrender":
            line = f"🏳️ {attackers} gave up after **{mss(result.played_seconds)}**"
        case _:
            line = f"⚔️ {attackers} **{mss(result.actual_time_seconds or result.played_seconds)}**"
    words = attack_words(history.attacks.get(result.round_number))
    return f"{line} · {words}" if words and result.outcome == "completed" else line


def _mvp(players: Sequence[PlayerLine], guid: str | None, history: History) -> str:
    best = next((player for player in players if guid and player.guid == guid), None)
    return f"⭐ {bold(best, history)} MVP: {mvp_words(players, guid)}" if best else ""


def _ratings(history: History, names: dict[int, str]) -> str:
    if not history.rating_changes:
        return ""
    changes = enumerate(history.rating_changes, 1)
    return "📊 Rating: " + " · ".join(f"{names[team]} {change:+.2f}" for team, change in changes)


def _record_line(record: BrokenRecord) -> str:
    before = f" (was {escape(record.before, NAME)})" if record.before else ""
    return (
        f"🏆 **{escape(record.name, NAME)}** {escape(record.title, WORDS)}: {escape(record.value, NAME)}{before}"
    )


def _award_line(award: AwardLine) -> str:
    return f"🏅 {escape(award.title, WORDS)}: **{escape(award.name, NAME)}** {escape(award.value, WORDS)}"


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
    """How each attack ended, in a code block; a time in brackets is when the attackers gave up."""
    rows: list[str] = []
    left = _MAPS
    for one in series:
        if not one.maps:
            continue
        head = " - ".join(one.team_names) if len(series) > 1 else "Map"
        rows.append(cell(head, 16) + ("R1".rjust(6) + "R2".rjust(7) + "".rjust(5) if not rows else "").rstrip())
        for played in one.maps[:left]:
            times = [_ending(played, number) for number in (0, 1)]
            score = f"{played.score[0]}:{played.score[1]}" if played.score else "-"
            rows.append(cell(played.map_name, 15) + times[0].rjust(7) + times[1].rjust(7) + score.rjust(5))
        if len(one.maps) > left:
            rows.append(f"… and {count(len(one.maps) - left, 'map')} more")
        left = max(0, left - len(one.maps))
    return ["```\n" + "\n".join(rows) + "\n```"] if rows else []


def _ending(played: MapScore, number: int) -> str:
    match played.outcomes[number]:
        case "fullhold":
            return "held"
        case "surrender":
            return f"({mss(played.times[number])})"
    return mss(played.times[number])
