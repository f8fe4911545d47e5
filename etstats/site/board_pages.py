"""Pages of leaderboards: an overview and a page per board, for all time, each season and each map."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

from etstats.domain.rules.boards import BOARDS, Board
from etstats.domain.rules.ranking import Ranking
from etstats.domain.rules.rating import PROVISIONAL_ROUNDS
from etstats.domain.stats import Standing
from etstats.site import charts, markup, paths
from etstats.site.charts import Bar, Range
from etstats.site.markup import NOTHING, Col, html, whole
from etstats.site.pages import LinkCard, Pages
from etstats.site.values import board_heading, board_value, sum_value
from etstats.stats.rankings import Population
from etstats.stats.rating_lists import RatingStanding

_TOP = 5  # rows on a card
_BARS = 10
_LISTED = 300  # rows on a page, which stays under 60 KB compressed
EVERYONE = "everyone"
RATING = "leaderboards/rating"


class BoardScope(NamedTuple):
    """The rounds that the boards of a page cover: the folder below `leaderboards`, and the name."""

    folder: str
    name: str
    kind: str

    @property
    def path(self) -> str:
        """Return the folder of its page."""
        return f"leaderboards/{self.folder}" if self.folder else "leaderboards"


ALL_TIME = BoardScope("", "All time", "all")


def season_scope(name: str) -> BoardScope:
    """Return the scope of a season."""
    return BoardScope(f"seasons/{paths.slug(name)}", name, "season")


def map_scope(name: str) -> BoardScope:
    """Return the scope of a map."""
    return BoardScope(f"maps/{paths.slug(name)}", name, "map")


def board_files(
    pages: Pages,
    scope: BoardScope,
    population: Population,
    scopes: Sequence[BoardScope],
    ratings: Sequence[RatingStanding],
) -> dict[str, bytes]:
    """Return the files of all boards of a scope; `scopes` are linked on its pages; `ratings` are of all time."""
    rankings = {board.name: population.ranking(board) for board in BOARDS.values()}
    files = _all_boards(pages, scope, rankings, scopes, ratings=ratings, players=len(population.now))
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
    *,
    ratings: Sequence[RatingStanding],
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
        rating=[
            (row.rank, pages.person(row.player_guid, row.player_name, up), whole(row.value))
            for row in ratings[:_TOP]
            if row.rank is not None
        ]
        if scope == ALL_TIME
        else [],
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


def rating_files(pages: Pages, ratings: Sequence[RatingStanding], zone: tzinfo) -> dict[str, bytes]:
    """Return the files of the list of ratings: ranked players, best first, then players with too few rounds."""
    up = paths.up(RATING)
    ranked = [row for row in ratings if row.rank is not None]
    first = ranked[0] if ranked else None
    return pages.page(
        RATING,
        "rating.html",
        ratings,
        title="Rating: strength against whom, and results",
        card=LinkCard(
            f"{markup.plain_name(first.player_name)}: {first.value:,}" if first else "Nobody is ranked yet."
        ),
        minimum=PROVISIONAL_ROUNDS,
        chart=charts.ranges(
            f"Ratings of the first {min(_BARS, len(ranked))} with their intervals",
            [
                Range(name, row.value, row.low, row.high, f"{name}: {row.value:,} ({row.low:,} to {row.high:,})")
                for row in ranked[:_BARS]
                for name in [markup.plain_name(row.player_name)]
            ],
        ),
        table=markup.table(
            "Ratings",
            [
                Col("#", lambda row: NOTHING if row.rank is None else str(row.rank)),
                Col("±", _change, "Places won or lost in the week before the newest match"),
                Col("Player", lambda row: pages.person(row.player_guid, row.player_name, up), kind="h"),
                Col("Rating", lambda row: whole(row.value)),
                Col(
                    "Interval", lambda row: f"{row.low:,} – {row.high:,}", "The rating is in it in 95 of 100 cases"
                ),
                Col(
                    "Week",
                    lambda row: NOTHING if row.gained is None else f"{row.gained:+,}" if row.gained else "0",
                    "Points won or lost in the week before the newest match",
                ),
                Col("Rounds", lambda row: whole(row.rounds)),
                Col("Last rated", lambda row: markup.moment(row.last_rated.astimezone(zone)), kind="t"),
            ],
            ratings[:_LISTED],
            classes="board",
        )
        if ratings
        else "",
        more=max(0, len(ratings) - _LISTED),
        boards=[(board.name, board.heading) for board in BOARDS.values()],
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


def _change(row: Standing | RatingStanding) -> str:
    if row.rank is None:
        return ""
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
    """Return the links to other scopes: a heading, and path, name and whether it is this scope."""
    groups = {"all": "", "season": "Seasons", "map": "Maps"}
    return [
        (
            heading,
            [(scope.path + tail, scope.name, scope == current) for scope in scopes if scope.kind == kind],
        )
        for kind, heading in groups.items()
    ]
