"""Pictures of link cards, which chats show for a link to a session or a player."""

from collections.abc import Sequence

from etstats.domain.names import colour_runs
from etstats.domain.stats import ScoreLine
from etstats.domain.views import SessionView
from etstats.output.canvas import GOLD, INK, MUTED, PANEL, TEAM_COLOURS, WIDTH, Canvas
from etstats.site import markup
from etstats.stats.teams import without_tags

HEIGHT = 567  # format of link cards, 1.91:1
_MARGIN = 56
_LISTED = 6  # players per team
_BOARD = 300  # height of both teams' boards in pixels


def session_card(title: str, view: SessionView) -> bytes:
    """Return a session as a PNG: the score, and both teams with kills and damage per minute."""
    canvas = Canvas(HEIGHT)
    canvas.text(_MARGIN, 58, title, 28, MUTED)
    canvas.text(WIDTH - _MARGIN, 58, markup.weekday(view.began), 28, MUTED, align="right")
    middle = WIDTH / 2
    score, colours, teams = view.score, (TEAM_COLOURS[1], TEAM_COLOURS[2]), view.team_names
    canvas.text(_MARGIN, 138, teams[0], 40, colours[0], bold=True, width=340)
    points = ("–", "–") if score is None else tuple(map(str, score))
    canvas.text(middle - 34, 138, points[0], 92, colours[0], bold=True, align="right")
    canvas.text(middle + 34, 138, points[1], 92, colours[1], bold=True)
    canvas.text(WIDTH - _MARGIN, 138, teams[1], 40, colours[1], bold=True, align="right", width=340)
    canvas.text(middle, 134, ":", 72, MUTED, align="center")
    width = (WIDTH - 2 * _MARGIN - 24) / 2
    players = without_tags(view.players, view.team_names)
    rows = min(_LISTED, max(3, *(sum(player.team == team for player in players) for team in (1, 2))))
    for place in (0, 1):
        own = [player for player in players if player.team == place + 1]
        mvp = view.mvp.player_guid if view.mvp else ""
        _team(canvas, _MARGIN + place * (width + 24), width, own, rows=rows, mvp=mvp)
    length = markup.span((view.ended_at - view.started_at).total_seconds())
    words = f"{markup.count(len(view.maps), 'map')}  ·  {length}  ·  {view.server}"
    canvas.text(_MARGIN, HEIGHT - 34, words, 24, MUTED, width=WIDTH - 2 * _MARGIN)
    return canvas.png()


def player_card(title: str, raw_name: str, facts: Sequence[tuple[str, str]]) -> bytes:
    """Return a player as a PNG: the name in its colours, and up to six numbers with their labels."""
    canvas = Canvas(HEIGHT)
    canvas.text(_MARGIN, 58, title, 28, MUTED)
    if markup.plain_name(raw_name) == markup.NO_NAME:
        canvas.text(_MARGIN, 150, markup.NO_NAME, 72, MUTED, bold=True)
    else:
        canvas.runs(_MARGIN, 150, colour_runs(raw_name), 76, WIDTH - 2 * _MARGIN, bold=True)
    width = (WIDTH - 2 * _MARGIN - 2 * 20) / 3
    for place, (label, value) in enumerate(facts[:6]):
        left, top = _MARGIN + place % 3 * (width + 20), 236 + place // 3 * 150
        canvas.box(left, top, width, 130, PANEL, radius=16)
        canvas.text(left + 24, top + 38, label, 24, MUTED, width=width - 48)
        canvas.text(left + 24, top + 88, value, 46, INK, bold=True, width=width - 48)
    return canvas.png()


def _team(canvas: Canvas, left: float, width: float, players: Sequence[ScoreLine], *, rows: int, mvp: str) -> None:
    canvas.box(left, 206, width, _BOARD, PANEL, radius=16)
    row = (_BOARD - 24) / rows
    size = min(32.0, 0.62 * row)
    for place, player in enumerate(players[:rows]):
        y = 206 + 12 + row * (place + 0.5)
        start = left + 22
        if player.player_guid == mvp:
            start += canvas.text(start, y, "MVP", 17, GOLD, bold=True) + 12
        space = left + width - 226 - start
        if markup.plain_name(player.player_name) == markup.NO_NAME:
            canvas.text(start, y, markup.NO_NAME, size, MUTED)
        else:
            canvas.runs(start, y, colour_runs(player.player_name), size, space, bold=True)
        canvas.text(left + width - 124, y, f"{player.kills} kills", 22, align="right")
        canvas.text(left + width - 22, y, f"{player.dpm:.0f} DPM", 20, MUTED, align="right")
