"""The pictures of the compact posts: all numbers of a map in two lines per player, and the form over a session.

An embed shows a picture of WIDTH pixels 282 wide on a phone: _LARGE is 13 pixels there and _SMALL 10.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from etstats.domain.stats import ScoreLine
from etstats.domain.views import MapRound, MatchView, SessionView
from etstats.output.canvas import (
    BAD,
    GOLD,
    GOOD,
    GROUND,
    INK,
    MUTED,
    PANEL,
    RULE,
    TEAM_COLOURS,
    WIDTH,
    Canvas,
)
from etstats.output.fonts import text_width
from etstats.post.render.compact import SeriesSummary, all_series, shown_first
from etstats.post.render.pictures import name_runs
from etstats.post.render.sections import ranking
from etstats.post.render.text import mss, short
from etstats.stats.teams import without_tags

_LARGE, _SMALL = 50, 39
_LEFT, _RIGHT = 30, WIDTH - 30
_ROW, _LINE = 114, 66  # height of a player with two lines, and with one
_HEAD = 78  # height of a team
_TWO_LINES, _MOST = 16, 32  # most players with two lines each, most players shown
_PLAIN = "#c3cad8"  # secondary numbers
_FILL = "#262d3b"  # a player's share of the best damage


class _Column(NamedTuple):
    """A column: heading, right edge, and text of a player's number."""

    head: str
    right: float
    text: Callable[[ScoreLine], str]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _time(seconds: int | None) -> str:
    """Return a time played in at most five characters: 9:30, 2h32."""
    return mss(seconds) if seconds is None or seconds < 3600 else f"{seconds // 3600}h{seconds // 60 % 60:02}"


def _multikills(player: ScoreLine) -> str:
    counts = ((player.double_kills, "D"), (player.triple_kills, "T"), (player.quad_kills, "Q"))
    most = ((player.multi_kills, "M"), (player.mega_kills, "X"))
    return "".join(f"{number}{letter}" for number, letter in (*counts, *most) if number)[-4:] or "-"


_KDG = _Column("K / D / G", 740, lambda player: f"{player.kills}/{player.deaths}/{_number(player.gibs)}")
_DAMAGE = _Column("Dmg", 900, lambda player: short(player.damage_given))
_DPM = _Column("DPM", _RIGHT - 8, lambda player: f"{player.dpm:.0f}")
_MAIN = (_KDG, _DAMAGE, _DPM)
_DETAILS = (
    _Column("Acc", 134, lambda player: "-" if player.accuracy is None else f"{player.accuracy:.0f}%"),
    _Column("HS", 228, lambda player: str(player.headshots)),
    _Column("Rev", 334, lambda player: _number(player.revives_given)),
    _Column("Use", 438, lambda player: _number(player.most_useful_kills)),
    _Column("Time", 566, lambda player: _time(player.time_played_seconds)),
    _Column("Dead", 692, lambda player: _time(player.time_dead_seconds)),
    _Column("Deny", 818, lambda player: _time(player.denied_playtime)),
    _Column("Multi", _RIGHT - 8, _multikills),
)
_FORM = (44, 520)  # position of a player's form over a session
_SESSION_DETAILS = (
    _Column("Acc", 640, lambda player: "-" if player.accuracy is None else f"{player.accuracy:.0f}%"),
    _Column("HS", 760, lambda player: str(player.headshots)),
    _Column("Rev", 880, lambda player: _number(player.revives_given)),
    _Column("Use", _RIGHT - 8, lambda player: _number(player.most_useful_kills)),
)


def map_picture(view: MatchView) -> bytes:
    """Return the scoreboard of a map as a PNG: both attacks as bars, then each team with all numbers."""
    map_ = view.map
    players = ranking(without_tags(view.players, view.team_names))[:_MOST]
    names = dict(enumerate(view.team_names, 1))
    mvp = view.mvp.player_guid if view.mvp else None
    teams = sorted(
        {player.team for player in players}, key=lambda team: (team not in names, team != map_.winner, team)
    )
    row, details = _layout(players, _DETAILS)
    attacks = [result for result in map_.rounds if result.time_limit_seconds > 0]
    top = 120 + 76 * len(attacks)
    hidden = len(view.players) - len(players)
    canvas = Canvas(
        top
        + (_HEAD + 46 * bool(details)) * bool(teams)
        + _HEAD * max(0, len(teams) - 1)
        + row * len(players)
        + _LINE * bool(hidden)
        + 24
    )
    _title(canvas, map_.map_name, map_.score, 2 if map_.winner == 2 else 1)
    for number, result in enumerate(attacks):
        _attack_bar(canvas, 120 + 76 * number, result, names, max(one.time_limit_seconds for one in attacks))
    y = float(top)
    best = max([1, *(player.damage_given for player in players)])
    for number, team in enumerate(teams):
        colour = TEAM_COLOURS.get(team, MUTED)
        _team_head(canvas, y, names.get(team, "Players"), colour)
        y += _HEAD
        if number == 0 and details:
            _heads(canvas, y + 18, details)
            y += 46
        for player in players:
            if player.team == team:
                is_mvp, share = player.player_guid == mvp, player.damage_given / best
                _player(canvas, y, player, row=row, colour=colour, share=share, is_mvp=is_mvp)
                _cells(canvas, y + 84, player, details)
                y += row
    _rest(canvas, y, hidden)
    return canvas.png()


def session_picture(view: SessionView) -> bytes:
    """Return a session as a PNG: the maps of each series, then all players with their form over the rounds."""
    players = ranking(view.players)[:_MOST]
    series = [one for one in all_series(view) if one.maps]
    mvp = view.mvp.player_guid if view.mvp else None
    form = {line.player_guid: line.values for line in view.dpm_series}
    row, details = _layout(players, _SESSION_DETAILS)
    hidden = len(view.players) - len(players)
    top = 20 + 132 * len(series)
    canvas = Canvas(
        top + (_HEAD + 46 * bool(details)) * bool(players) + row * len(players) + _LINE * bool(hidden) + 24
    )
    for number, one in enumerate(series):
        _series(canvas, 20 + 132 * number, one, shown_first(series))
    y = float(top)
    if players:
        _team_head(canvas, y, "Players", INK)
        y += _HEAD
    if details:
        canvas.text(_FORM[0], y + 18, "DPM by round", _SMALL, MUTED, width=470)
        _heads(canvas, y + 18, details)
        y += 46
    best = max([1, *(player.damage_given for player in players)])
    known = [value for values in form.values() for value in values if value is not None]
    scale = (min(known), max(known)) if known else (0.0, 1.0)
    for player in players:
        colour = TEAM_COLOURS.get(player.team, MUTED) if len(series) == 1 else MUTED
        is_mvp, share = player.player_guid == mvp, player.damage_given / best
        _player(canvas, y, player, row=row, colour=colour, share=share, is_mvp=is_mvp)
        if details:
            _cells(canvas, y + 84, player, details)
            _form(canvas, y + 84, form.get(player.player_guid, ()), scale)
        y += row
    _rest(canvas, y, hidden)
    return canvas.png()


def _layout(players: Sequence[ScoreLine], details: tuple[_Column, ...]) -> tuple[int, tuple[_Column, ...]]:
    """Return the height of a player's row and the columns of its second line; many players get one line each."""
    return (_ROW, details) if len(players) <= _TWO_LINES else (_LINE, ())


def _title(canvas: Canvas, name: str, score: tuple[int, int] | None, first: int) -> None:
    """Draw the map's name and the points, those of the given team first."""
    right = float(_RIGHT - 8)
    if score:
        left_points, right_points = ((team, str(score[team - 1])) for team in (first, 3 - first))
        for text, colour in (
            (right_points[1], TEAM_COLOURS[right_points[0]]),
            (":", MUTED),
            (left_points[1], TEAM_COLOURS[left_points[0]]),
        ):
            right -= canvas.text(right, 64, text, 76, colour, bold=True, align="right") + 12
    canvas.text(_LEFT, 64, name, 62, bold=True, width=right - _LEFT - 20)


def _attack_bar(canvas: Canvas, y: float, result: MapRound, names: Mapping[int, str], longest: int) -> None:
    """Draw the time of an attack as a bar up to the limit, with the attackers' name and the result."""
    colour = TEAM_COLOURS.get(result.attackers, MUTED)
    seconds = result.played_seconds if result.outcome == "surrender" else result.actual_time_seconds
    match result.outcome:
        case "completed":
            ending = mss(seconds)
        case "fullhold":
            ending, seconds = "held", result.time_limit_seconds
        case "surrender":
            ending = f"gave up {mss(seconds)}"
        case _:
            ending = mss(seconds)
    length, right = 640, _RIGHT - 8
    share = min(1.0, (seconds or 0) / longest)
    limit = min(1.0, result.time_limit_seconds / longest)
    canvas.box(_LEFT, y, length * limit, 62, RULE, radius=12)
    canvas.box(_LEFT, y, max(24, length * share), 62, _dim(colour), radius=12)
    name = names.get(result.attackers) or f"Round {result.round_number}"
    canvas.text(_LEFT + 20, y + 31, name, _SMALL + 4, INK, bold=True, width=length - 40)
    done = result.outcome == "completed"
    canvas.text(right, y + 31, ending, _SMALL + 4, GOOD if done else MUTED, bold=True, align="right", width=340)


def _team_head(canvas: Canvas, y: float, name: str, colour: str) -> None:
    middle = y + 46
    canvas.box(_LEFT, middle - 22, 10, 44, colour, radius=4)
    canvas.text(_LEFT + 26, middle, name, _LARGE, colour, bold=True, width=460)
    for column in _MAIN:
        canvas.text(column.right, middle, column.head, _SMALL, MUTED, align="right")


def _heads(canvas: Canvas, y: float, columns: Sequence[_Column]) -> None:
    for column in columns:
        canvas.text(column.right, y, column.head, _SMALL, MUTED, align="right")


def _player(
    canvas: Canvas, y: float, player: ScoreLine, *, row: int, colour: str, share: float, is_mvp: bool
) -> None:
    """Draw a player's panel with the name and the main numbers, filled in proportion to the damage."""
    canvas.box(_LEFT - 14, y + 3, WIDTH - 2 * _LEFT + 28, row - 6, PANEL, radius=14)
    canvas.box(_LEFT - 14, y + 3, (WIDTH - 2 * _LEFT + 28) * max(0.03, share), row - 6, _FILL, radius=14)
    canvas.box(_LEFT - 14, y + 3, 8, row - 6, GOLD if is_mvp else colour, radius=4)
    middle = y + 34
    left = _LEFT + 14.0
    if is_mvp:
        left += canvas.text(left, middle, "★", _SMALL, GOLD) + 8
    canvas.runs(left, middle, name_runs(player), _LARGE, 500 - left, bold=True)
    canvas.text(_KDG.right, middle, _KDG.text(player), _LARGE - 4, align="right", width=250)
    canvas.text(_DAMAGE.right, middle, _DAMAGE.text(player), _LARGE - 4, align="right", width=150)
    canvas.text(
        _DPM.right, middle, _DPM.text(player), _LARGE, GOLD if is_mvp else INK, bold=True, align="right", width=120
    )


def _cells(canvas: Canvas, y: float, player: ScoreLine, columns: Sequence[_Column]) -> None:
    for column in columns:
        canvas.text(column.right, y, column.text(player), _SMALL, _PLAIN, align="right", width=125)


def _form(canvas: Canvas, y: float, values: Sequence[float | None], scale: tuple[float, float]) -> None:
    """Draw a player's DPM per round as bars, with one scale for all players; a missed round has no bar."""
    if not values:
        return
    left, right = _FORM
    step = (right - left) / len(values)
    low, high = scale
    known = sorted(value for value in values if value is not None)
    usual = known[len(known) // 2] if known else 0.0
    for number, value in enumerate(values):
        if value is None:
            continue
        height = 6 + 38 * (value - low) / max(1.0, high - low)
        colour = GOOD if value > 1.2 * usual else BAD if value < 0.8 * usual else "#5b6b86"
        canvas.box(left + step * number, y + 22 - height, max(2.0, min(26.0, step - 4)), height, colour, radius=3)


def _series(canvas: Canvas, y: float, one: SeriesSummary, first: int) -> None:
    """Draw the teams with their score, the given one first, and a tile per map in the winner's colour."""
    order = (first, 3 - first)
    scores = [str(one.score[team - 1]) if one.score else "-" for team in order]
    names = [one.team_names[team - 1] for team in order]
    colours = [TEAM_COLOURS[team] for team in order]
    middle = WIDTH / 2
    canvas.text(middle, y + 36, ":", 56, MUTED, bold=True, align="center")
    canvas.text(middle - 22, y + 36, scores[0], 64, colours[0], bold=True, align="right")
    canvas.text(middle + 22, y + 36, scores[1], 64, colours[1], bold=True)
    width = middle - 60 - max(text_width(score, 64, bold=True) for score in scores) - _LEFT
    canvas.text(_LEFT, y + 36, names[0], _LARGE, colours[0], bold=True, width=width)
    canvas.text(_RIGHT, y + 36, names[1], _LARGE, colours[1], bold=True, align="right", width=width)
    step = (_RIGHT - _LEFT) / len(one.maps)
    for number, played in enumerate(one.maps):
        x = _LEFT + step * number
        winner = played.winner or _leader(played.score)
        colour = _dim(TEAM_COLOURS[winner]) if winner in TEAM_COLOURS else RULE
        canvas.box(x + 2, y + 78, step - 4, 44, colour, radius=8)
        text = ":".join(str(played.score[team - 1]) for team in order) if played.score else "-"
        if step >= 70:
            canvas.text(x + step / 2, y + 100, text, 34, INK, bold=True, align="center")


def _leader(score: tuple[int, int] | None) -> int:
    return 0 if not score or score[0] == score[1] else 1 if score[0] > score[1] else 2


def _rest(canvas: Canvas, y: float, hidden: int) -> None:
    if hidden:
        canvas.text(_LEFT + 14, y + _LINE / 2, f"… and {hidden} more", _SMALL, MUTED)


def _dim(colour: str) -> str:
    """Return the colour mixed equally with the background, for areas behind text."""
    parts = (round(int(colour[at : at + 2], 16) * 0.55 + int(GROUND[at : at + 2], 16) * 0.45) for at in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in parts)
