"""The pages of leaderboards: one of all boards, and one of each, for all time, each season and each map."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from etstats.domain.rules.boards import BOARDS, Board
from etstats.domain.rules.ranking import Ranking
from etstats.domain.stats import Standing
from etstats.site import charts, markup, paths
from etstats.site.charts import Bar
from etstats.site.markup import Col, html, whole
from etstats.site.pages import LinkCard, Pages
from etstats.site.values import board_heading, board_value, sum_value
from etstats.stats.rankings import Population

_TOP = 5  # places on a card
_BARS = 10
_LISTED = 300  # places on one page: it stays under 60 KB compressed
EVERYONE = "everyone"


class BoardScope(NamedTuple):
    """Which rounds the boards of one page are over: its folder below `leaderboards`, and its name."""

    folder: str
    name: str
    kind: str

    @property
    def path(self) -> str:
        """The folder of its page."""
        return f"leaderboards/{self.folder}" if self.folder else "leaderboards"


ALL_TIME = BoardScope("", "All time", "all")


def season_scope(name: str) -> BoardScope:
    """The boards of a season."""
    return BoardScope(f"seasons/{paths.slug(name)}", name, "season")


def map_scope(name: str) -> BoardScope:
    """The boards of a map."""
    return BoardScope(f"maps/{paths.slug(name)}", name, "map")


def board_files(
    pages: Pages, scope: BoardScope, population: Population, scopes: Sequence[BoardScope]
) -> dict[str, bytes]:
    """The files of all boards of one scope; `scopes` are those that its pages lead to."""
    rankings = {board.name: population.ranking(board) for board in BOARDS.values()}
    files = _all_boards(pages, scope, rankings, scopes, len(population.now))
    for board in BOARDS.values():
        ranking = rankings[board.name]
        has_more = bool(ranking.short_of_rounds or ranking.short_of_shots)
        files |= _one_board(pages, scope, board, ranking, scopes, has_more=has_more, is_everyone=False)
        if has_more:
            everyone = population.ranking(board, 1, 1 if board.kind.value[1] else 0)
            files |= _one_board(pages, scope, board, everyone, scopes, has_more=True, is_everyone=True)
    return files


def _all_boards(
    pages: Pages,
    scope: BoardScope,
    rankings: Mapping[str, Ranking],
    scopes: Sequence[BoardScope],
    players: int,
) -> dict[str, bytes]:
    folder = scope.path
    up = paths.up(folder)
    cards = [
        {
            "board": board,
            "heading": board_heading(board),
            "top": [
                (standing.rank, pages.person(standing.player_guid, standing.player_name, up), value)
                for standing in rankings[board.name].standings[:_TOP]
                for value in [board_value(board, standing.value)]
            ],
        }
        for board in BOARDS.values()
    ]
    return pages.page(
        folder,
        "leaderboards.html",
        {name: ranking.standings[:_TOP] for name, ranking in rankings.items()},
        title="Leaderboards" if scope == ALL_TIME else f"Leaderboards: {markup.visible(scope.name, 60)}",
        card=LinkCard(f"{len(BOARDS)} boards, {markup.count(players, 'player')}"),
        cards=cards,
        scope=scope,
        groups=_groups(scope, scopes, ""),
    )


def _one_board(
    pages: Pages,
    scope: BoardScope,
    board: Board,
    ranking: Ranking,
    scopes: Sequence[BoardScope],
    *,
    has_more: bool,
    is_everyone: bool,
) -> dict[str, bytes]:
    folder = f"{scope.path}/{board.name}" + (f"/{EVERYONE}" if is_everyone else "")
    up = paths.up(folder)
    standings = ranking.standings
    title = f"{board.heading}: {board.meaning}"
    first = standings[0] if standings else None
    return pages.page(
        folder,
        "board.html",
        standings,
        title=title if scope == ALL_TIME else f"{title}, {markup.visible(scope.name, 60)}",
        card=LinkCard(
            f"{markup.plain_name(first.player_name)}: {board_value(board, first.value)}"
            if first
            else board.meaning
        ),
        board=board,
        scope=scope,
        table=markup.table(
            f"{board.heading} ranking", _columns(pages, up, board, ranking), standings[:_LISTED], classes="board"
        )
        if standings
        else "",
        bars=charts.bars(
            f"{board.heading} of the first {min(_BARS, len(standings))}",
            [
                Bar(
                    markup.plain_name(standing.player_name),
                    standing.value,
                    f"{markup.plain_name(standing.player_name)}: {board_value(board, standing.value)}",
                )
                for standing in standings[:_BARS]
            ],
            text=lambda value: board_value(board, value),
        )
        if not board.lowest_first
        else "",
        more=max(0, len(standings) - _LISTED),
        minimum=_minimum(board, ranking, has_more=has_more, is_everyone=is_everyone),
        usual=f"{up}{scope.path}/{board.name}/{paths.PAGE}",
        everyone=f"{up}{scope.path}/{board.name}/{EVERYONE}/{paths.PAGE}",
        has_more=has_more,
        is_everyone=is_everyone,
        has_change=ranking.has_week_before,
        boards=[(other.name, other.heading, other is board) for other in BOARDS.values()],
        groups=_groups(scope, scopes, f"/{board.name}"),
    )


def _columns(pages: Pages, up: str, board: Board, ranking: Ranking) -> list[Col]:
    columns = [Col("#", lambda row: str(row.rank))]
    if ranking.has_week_before:
        columns.append(Col("±", _change, "Places won or lost in the week before the newest round"))
    columns += [
        Col("Player", lambda row: pages.person(row.player_guid, row.player_name, up), kind="h"),
        Col(board_heading(board), lambda row: board_value(board, row.value), board.meaning),
    ]
    if board.per:
        columns += [
            Col(board.of_heading, lambda row: sum_value(board.of, row.numerator)),
            Col(board.per_heading, lambda row: sum_value(board.per, row.denominator)),
        ]
    if board.name != "games":
        columns.append(Col("Rounds", lambda row: whole(row.rounds)))
    return columns


def _change(row: Standing) -> str:
    if row.change is None:
        return html('<span class="muted">new</span>')
    if row.change == 0:
        return "="
    return html(
        f'<span class="up">▲{row.change}</span>' if row.change > 0 else f'<span class="down">▼{-row.change}</span>'
    )


def _minimum(board: Board, ranking: Ranking, *, has_more: bool, is_everyone: bool) -> str:
    if is_everyone:
        return "Everyone with a round, however few"
    asked = markup.count(ranking.minimum.rounds, "round")
    if board.kind.value[1]:
        asked += f" and {markup.count(ranking.minimum.shots, 'shot')}"
    missing = len(ranking.short_of_rounds) + len(ranking.short_of_shots)
    return f"Players with at least {asked}" + (
        f"; {markup.count(missing, 'player')} had fewer" if has_more else ""
    )


def _groups(
    current: BoardScope, scopes: Sequence[BoardScope], tail: str
) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """The links to other scopes: a heading, and place, name and whether it is this one."""
    groups = {"all": "", "season": "Seasons", "map": "Maps"}
    return [
        (
            heading,
            [(scope.path + tail, scope.name, scope == current) for scope in scopes if scope.kind == kind],
        )
        for kind, heading in groups.items()
    ]
