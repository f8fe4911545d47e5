"""Draw the pictures of the full posts: the scoreboard of a map and a session, on a dark background."""

from collections.abc import Mapping, Sequence

from etstats.domain.names import colour_runs
from etstats.domain.stats import ScoreLine
from etstats.domain.views import MapRound, MatchView, Mvp, SessionView
from etstats.output.canvas import INK, MUTED, PANEL, RULE, TEAM_COLOURS, WIDTH, Canvas
from etstats.output.fonts import text_width
from etstats.output.sanitize import clean
from etstats.post.render.sections import ranking
from etstats.post.render.text import NO_NAME, mss, short

_MARGIN = 44
_DAMAGE, _KILLS = "#ef8b3c", "#4c9fef"
_BAR_AT, _BAR = (414, 656), 130  # left edges of the two bar columns, and the maximum length of a bar
_FAINT_LINES = 10  # maximum of faint lines behind the best six
_LINES = ("#f5c542", "#4c9fef", "#ef6a5b", "#57d38c", "#b78af7", "#f08fd0")


def scoreboard(view: MatchView) -> bytes:
    """Return the scoreboard of a map as a PNG, 1080 pixels wide: both line-ups, bars of damage and kills."""
    map_, order = view.map, ranking(view.players)
    names = dict(enumerate(view.team_names, 1))
    board = _Board(order, names, view.mvp)
    head = 190 + 44 * len(map_.rounds)
    canvas = Canvas(head + board.height)
    canvas.text(_MARGIN, 66, map_.map_name, 56, bold=True, width=700)
    if map_.score:
        _score(canvas, 66, map_.score)
    canvas.text(_MARGIN, 122, view.server, 28, MUTED)
    for number, result in enumerate(map_.rounds):
        y = 174 + 44 * number
        canvas.text(_MARGIN, y, f"Round {result.round_number}", 28, MUTED)
        attackers, colour = names.get(result.attackers, ""), TEAM_COLOURS.get(result.attackers, INK)
        canvas.text(_MARGIN + 140, y, attackers, 28, colour, bold=True, width=400)
        canvas.text(WIDTH - _MARGIN, y, _ending(result), 28, align="right")
    board.draw(canvas, head)
    return canvas.png()


def session(view: SessionView) -> bytes:
    """Return a session as a PNG, 1080 pixels wide: score line, DPM over the rounds, bars of damage and kills."""
    order = ranking(view.players)
    names = dict(enumerate(view.team_names, 1))
    board = _Board(order, names, view.mvp)
    score_height = 344 if view.score and view.maps else 0
    dpm_height = 570 if any(value is not None for one in view.dpm_series for value in one.values) else 0
    head = 170
    canvas = Canvas(head + score_height + dpm_height + board.height)
    length = int((view.ended_at - view.started_at).total_seconds()) // 60
    canvas.text(_MARGIN, 66, view.server, 50, bold=True, width=700)
    if view.score:
        _score(canvas, 66, view.score)
    words = f"{length // 60} h {length % 60:02}  ·  {len(view.maps)} maps  ·  {len(view.rounds)} rounds"
    canvas.text(_MARGIN, 126, words, 28, MUTED)
    if score_height:
        _score_line(canvas, head, view, names)
    if dpm_height:
        _dpm_lines(canvas, head + score_height, view, order)
    board.draw(canvas, head + score_height + dpm_height)
    return canvas.png()


def _score(canvas: Canvas, y: float, score: tuple[int, int]) -> None:
    """Draw the two numbers at the right edge, each in its line-up's colour."""
    right = WIDTH - _MARGIN
    for text, colour in ((str(score[1]), TEAM_COLOURS[2]), (":", MUTED), (str(score[0]), TEAM_COLOURS[1])):
        canvas.text(right, y, text, 64, colour, bold=True, align="right")
        right -= int(text_width(text, 64, bold=True)) + 14


class _Board:
    """All players by line-up: name, damage and kills as bars, DPM as a number.

    With many players, rows shrink to the minimum that is readable on a phone.
    """

    def __init__(self, order: Sequence[ScoreLine], names: Mapping[int, str], mvp: Mvp | None) -> None:
        self._order = order
        self._names = names
        self._mvp = mvp.player_guid if mvp else None
        self._row = max(46, min(66, 1100 // max(1, len(order))))
        self._size = self._row * 0.46
        self._most_damage = max([1, *(player.damage_given for player in order)])
        self._most_kills = max([1, *(player.kills for player in order)])
        self._teams = sorted({player.team for player in order}, key=lambda team: (team not in names, team))
        self.height = (self._row + 34) * len(self._teams) + self._row * len(order) + 20

    def draw(self, canvas: Canvas, y: float) -> None:
        """Draw the board with its upper edge at `y`."""
        for team in self._teams:
            self._head(canvas, y, self._names.get(team, "Players"), TEAM_COLOURS.get(team, MUTED))
            y += self._row + 14
            for number, player in enumerate(one for one in self._order if one.team == team):
                if number % 2 == 0:
                    canvas.box(_MARGIN - 14, y, WIDTH - 2 * _MARGIN + 28, self._row, PANEL, radius=8)
                self._player(canvas, y + self._row / 2, player)
                y += self._row
            y += 20

    def _head(self, canvas: Canvas, y: float, name: str, colour: str) -> None:
        middle = y + self._row / 2 + 10
        canvas.box(_MARGIN, y + 20, 10, self._row - 20, colour, radius=4)
        canvas.text(_MARGIN + 26, middle, name, self._size * 1.1, colour, bold=True, width=330)
        canvas.text(_BAR_AT[0], middle, "damage", self._size * 0.8, MUTED)
        canvas.text(_BAR_AT[1], middle, "kills / deaths", self._size * 0.8, MUTED)
        canvas.text(WIDTH - _MARGIN, middle, "DPM", self._size * 0.8, MUTED, align="right")

    def _player(self, canvas: Canvas, y: float, player: ScoreLine) -> None:
        if player.player_guid == self._mvp:
            canvas.text(_MARGIN - 4, y, "★", self._size, _LINES[0])
        canvas.runs(_MARGIN + 30, y, name_runs(player), self._size, _BAR_AT[0] - _MARGIN - 50, bold=True)
        damage, kills = player.damage_given / self._most_damage, player.kills / self._most_kills
        for at, share, colour in zip(_BAR_AT, (damage, kills), (_DAMAGE, _KILLS), strict=True):
            length = max(4.0, _BAR * max(0.0, share))
            canvas.box(at, y - self._size * 0.42, length, self._size * 0.84, colour, radius=5)
            text = short(player.damage_given) if colour == _DAMAGE else f"{player.kills} / {player.deaths}"
            canvas.text(at + length + 10, y, text, self._size * 0.9)
        canvas.text(WIDTH - _MARGIN, y, f"{player.dpm:.0f}", self._size, bold=True, align="right")


def name_runs(player: ScoreLine) -> tuple[tuple[str, str], ...]:
    """Return the name in its colours; an invisible name is replaced by a text."""
    return colour_runs(player.player_name) if clean(player.clean_name) else ((MUTED, NO_NAME),)


def _ending(result: MapRound) -> str:
    limit = mss(result.time_limit_seconds)
    match result.outcome:
        case "completed":
            return f"done in {mss(result.actual_time_seconds)} of {limit}"
        case "fullhold":
            return f"held for {limit}"
        case "surrender":
            return f"surrender after {mss(result.played_seconds)} of {limit}"
    return f"{mss(result.actual_time_seconds or result.played_seconds)} of {limit}"


def _score_line(canvas: Canvas, top: float, view: SessionView, names: Mapping[int, str]) -> None:
    """Draw both line-ups' points after each map, with the maps' names below."""
    left, right, low, high = _MARGIN + 10, WIDTH - _MARGIN - 60, top + 200, top + 50
    totals = [(0, 0)]
    for played in view.maps:
        first, second = played.score or (0, 0)
        totals.append((totals[-1][0] + first, totals[-1][1] + second))
    step = (right - left) / len(view.maps)
    most = max(1, *totals[-1])
    canvas.text(_MARGIN, top + 8, "Score", 28, MUTED)
    x = _MARGIN + 110.0
    for number, name in names.items():
        canvas.text(x, top + 8, name, 28, TEAM_COLOURS[number], bold=True, width=400)
        x += min(text_width(name, 28, bold=True), 400) + 40
    for number, played in enumerate(view.maps):
        x = left + step * (number + 1)
        canvas.line([(x, high), (x, low)], RULE, 2)
        if number % (1 + len(view.maps) // 30) == 0:
            canvas.label(x + 6, low + 14, played.map_name, 22, 190)
    for side in (1, 0):
        heights = [(low - high) * total[side] / most for total in totals]
        points = [(left + step * number, low - height) for number, height in enumerate(heights)]
        canvas.line(points, TEAM_COLOURS[side + 1], 5, dots=13)
        canvas.text(right + 16, points[-1][1], str(totals[-1][side]), 32, TEAM_COLOURS[side + 1], bold=True)


def _dpm_lines(canvas: Canvas, top: float, view: SessionView, order: Sequence[ScoreLine]) -> None:
    """Draw DPM over the rounds: the six players with the most damage in colour with a legend, others faint."""
    left, right, low, high = _MARGIN + 70, WIDTH - _MARGIN, top + 380, top + 60
    series = {one.player_guid: one.values for one in view.dpm_series}
    known = [value for values in series.values() for value in values if value is not None]
    lowest, highest = 100 * int(min(known) // 100), 100 * int(max(known) // 100 + 1)
    rounds = max(len(values) for values in series.values())
    step = (right - left) / max(1, rounds - 1)
    canvas.text(_MARGIN, top + 14, "Damage per minute, round by round", 28, MUTED)
    for share in (0, 0.5, 1):
        y = low - (low - high) * share
        canvas.line([(left, y), (right, y)], RULE, 2)
        canvas.text(left - 14, y, f"{lowest + (highest - lowest) * share:.0f}", 24, MUTED, align="right")
    for number in range(0, rounds, 2 * (1 + rounds // 30)):
        canvas.text(left + step * number, low + 26, str(number + 1), 22, MUTED, align="center")
    best = [player for player in order if player.player_guid in series][: len(_LINES)]
    colours = {player.player_guid: colour for player, colour in zip(best, _LINES, strict=False)}
    for guid in sorted(series, key=lambda guid: guid in colours):
        for segment in _segments(series[guid], left, step):
            points = [
                (across, low - (low - high) * (dpm - lowest) / (highest - lowest)) for across, dpm in segment
            ]
            if guid in colours:
                canvas.line(points, colours[guid], 4, dots=9)
            elif len(series) - len(colours) <= _FAINT_LINES:
                canvas.line(points, MUTED, 2, faint=True)
    for number, player in enumerate(best):
        x, y = _MARGIN + (number % 3) * 340, low + 82 + (number // 3) * 50
        canvas.box(x, y - 5, 34, 10, colours[player.player_guid], radius=5)
        canvas.runs(x + 46, y, name_runs(player), 27, 270, bold=True)


def _segments(values: Sequence[float | None], left: float, step: float) -> list[list[tuple[float, float]]]:
    """Return (x, DPM) for each round, split at missing rounds."""
    found: list[list[tuple[float, float]]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((left + step * number, value))
    return [segment for segment in found if segment]
