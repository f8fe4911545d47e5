"""The home page, the lists of sessions, records and seasons, and the definitions of the numbers."""

from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from typing import NamedTuple

from etstats.db.maps import Facts, RecordValue
from etstats.domain.rules.awards import AWARDS
from etstats.domain.rules.boards import BOARDS
from etstats.domain.rules.records import RECORDS
from etstats.domain.rules.season_standings import POINTS, SEASON_BOARDS
from etstats.domain.views import SessionRow
from etstats.site import charts, markup, paths
from etstats.site.board_pages import season_scope
from etstats.site.markup import Col, html, whole
from etstats.site.pages import LinkCard, Pages
from etstats.site.scoreboard import MAIN, REST, number
from etstats.site.session_pages import SessionPages, visible_names
from etstats.site.values import board_value, record_value
from etstats.stats.seasons import Season

_HOME_BOARDS = ("kd", "dpm", "accuracy", "headshots", "revives", "objectives")
_HOME_SESSIONS = 6
_LISTED = 200
_WEEKS = 53


class FormRow(NamedTuple):
    """A player's week compared with all earlier time: DPM, difference in per cent, K/D, rounds of the week."""

    player_guid: str
    player_name: str
    rounds: int
    kd_ratio: float
    dpm: float
    usual_dpm: float
    change_percent: float


class NextMilestone(NamedTuple):
    """A player's next achievement: `rounds_left` at the player's average per round."""

    player_guid: str
    player_name: str
    title: str
    unit: str
    value: int
    next: int
    left: int
    rounds_left: float


class Home(NamedTuple):
    """Data of the home page; `session` and `season` are the newest ones."""

    session: SessionPages | None
    sessions: Sequence[SessionRow]
    season: Season | None
    form: Sequence[FormRow]
    milestones: Sequence[NextMilestone]
    facts: Facts
    players: int
    days: Mapping[date, int]
    newest: date | None


def home_files(pages: Pages, home: Home) -> dict[str, bytes]:
    """Return the files of the home page."""
    season = home.season
    leaders = [
        {
            "board": BOARDS[name],
            "top": [
                (
                    leader.standing.rank,
                    pages.person(leader.standing.player_guid, leader.standing.player_name, ""),
                    board_value(BOARDS[name], leader.standing.value),
                )
                for leader in season.leaders
                if leader.board == name
            ][:1],
        }
        for name in _HOME_BOARDS
        if season
    ]
    view = home.session.view if home.session else None
    return pages.page(
        "",
        "home.html",
        {
            "facts": home.facts,
            "players": home.players,
            "sessions": home.sessions,
            "form": home.form,
            "milestones": home.milestones,
        },
        title=pages.options.title,
        card=LinkCard(f"{markup.count(home.facts.rounds, 'round')}, {markup.count(home.players, 'player')}"),
        home=home,
        view=view,
        team_names=visible_names(view.team_names) if view else (),
        season=season,
        season_path=season_scope(season.season).path if season else "",
        leaders=[leader for leader in leaders if leader["top"]],
        standings=season.standings[:5] if season else (),
        figures=[
            ("Rounds", whole(home.facts.rounds)),
            ("Matches", whole(home.facts.maps)),
            ("Sessions", whole(home.facts.sessions)),
            ("Players", whole(home.players)),
            ("Played", markup.span(home.facts.played_seconds)),
        ],
        activity=charts.calendar(
            f"Rounds by day up to {markup.day(home.newest)}", dict(home.days), home.newest, _WEEKS, "round"
        )
        if home.newest
        else "",
        sessions=_session_table(home.sessions[:_HOME_SESSIONS], ""),
    )


def sessions_files(pages: Pages, rows: Sequence[SessionRow]) -> dict[str, bytes]:
    """Return the files of the list of sessions, newest first: one page, or one per year."""
    years: dict[int, list[SessionRow]] = {}
    for row in rows:
        years.setdefault(row.began.year, []).append(row)
    parts = {"sessions": list(rows)[:_LISTED]}
    if len(rows) > _LISTED:
        parts |= {f"sessions/in-{year}": own for year, own in years.items()}
    files: dict[str, bytes] = {}
    for folder, part in parts.items():
        files |= pages.page(
            folder,
            "sessions.html",
            part,
            title="Sessions" if folder == "sessions" else f"Sessions of {folder[-4:]}",
            card=LinkCard(markup.count(len(rows), "session")),
            table=_session_table(part, paths.up(folder)),
            total=len(rows),
            shown=len(part),
            years=[(year, f"sessions/in-{year}", folder == f"sessions/in-{year}") for year in years]
            if len(parts) > 1
            else [],
        )
    return files


def records_files(
    pages: Pages, of_rounds: Sequence[RecordValue], of_sessions: Sequence[RecordValue], zone: tzinfo
) -> dict[str, bytes]:
    """Return the files of the records: overall, of sessions, and of each map."""
    overall = [feat for feat in of_rounds if feat.map_name is None]
    by_map = [feat for feat in of_rounds if feat.map_name is not None]
    lines = [("round", feat) for feat in (*overall, *by_map)] + [("session", feat) for feat in of_sessions]
    return pages.page(
        "records",
        "records.html",
        [_record_line(kind, feat, zone) for kind, feat in lines],
        title="Records",
        card=LinkCard("The best rounds and sessions of all time"),
        overall=_records(pages, overall, zone, "round"),
        sessions=_records(pages, of_sessions, zone, "session"),
        by_map=_records(pages, by_map, zone, "map"),
    )


def seasons_files(pages: Pages, seasons: Sequence[Season]) -> dict[str, bytes]:
    """Return the files of the list of seasons, newest first."""
    up = paths.up("seasons")
    return pages.page(
        "seasons",
        "seasons.html",
        [
            {"season": row.season, "facts": row.facts, "players": row.players, "champions": row.champions}
            for row in seasons
        ],
        title="Seasons",
        card=LinkCard(markup.count(len(seasons), "season")),
        points=", ".join(str(points) for points in POINTS),
        boards=", ".join(BOARDS[name].heading for name in SEASON_BOARDS),
        table=markup.table(
            "Seasons",
            [
                Col(
                    "Season",
                    lambda row: markup.link(up + paths.season(row.season), row.season),
                    kind="h",
                ),
                Col(
                    "Champion",
                    lambda row: (
                        ", ".join(pages.person(line.player_guid, line.player_name, up) for line in row.champions)
                        or "–"
                    ),
                    kind="t",
                ),
                Col("Points", lambda row: whole(row.champions[0].points) if row.champions else "–"),
                Col("Sessions", lambda row: whole(row.facts.sessions)),
                Col("Matches", lambda row: whole(row.facts.maps)),
                Col("Rounds", lambda row: whole(row.facts.rounds)),
                Col("Players", lambda row: whole(row.players)),
            ],
            seasons,
        ),
    )


def season_files(pages: Pages, season: Season, *, is_newest: bool) -> dict[str, bytes]:
    """Return the files of one season."""
    folder = paths.season(season.season)
    up = paths.up(folder)
    champions = season.champions
    return pages.page(
        folder,
        "season.html",
        season,
        title=f"Season {season.season}",
        card=LinkCard(
            f"Champion: {', '.join(markup.plain_name(line.player_name) for line in champions)}"
            if champions
            else "No champion yet"
        ),
        season=season,
        champions=[pages.person(line.player_guid, line.player_name, up) for line in champions],
        is_newest=is_newest,
        boards_path=season_scope(season.season).path,
        figures=[
            ("Sessions", whole(season.facts.sessions)),
            ("Matches", whole(season.facts.maps)),
            ("Rounds", whole(season.facts.rounds)),
            ("Players", whole(season.players)),
            ("Played", markup.span(season.facts.played_seconds)),
        ],
        standings=markup.table(
            "Standings",
            [
                number("rank", "#", ""),
                Col("Player", lambda row: pages.person(row.player_guid, row.player_name, up), kind="h"),
                number("points", "Points", ""),
                number("boards_led", "Boards led", ""),
                number("rounds", "Rounds", ""),
            ],
            season.standings[:_LISTED],
            classes="board",
        ),
        leaders=markup.table(
            "Leaders of the boards",
            [
                Col(
                    "Board",
                    lambda row: markup.link(
                        f"{up}{season_scope(season.season).path}/{row.board}", BOARDS[row.board].heading
                    ),
                    kind="h",
                ),
                Col(
                    "Leader",
                    lambda row: pages.person(row.standing.player_guid, row.standing.player_name, up),
                    kind="t",
                ),
                Col("Value", lambda row: board_value(BOARDS[row.board], row.standing.value)),
            ],
            season.leaders,
        ),
    )


def about_files(pages: Pages) -> dict[str, bytes]:
    """Return the files of the page that defines the numbers."""
    boards = [(board.heading, board.meaning) for board in BOARDS.values()]
    columns = [(column.heading, column.meaning) for column in (*MAIN, *REST)]
    given = [(award.title, award.formula) for award in AWARDS]
    return pages.page(
        "about",
        "about.html",
        {
            "columns": dict(columns),
            "boards": dict(boards),
            "awards": dict(given),
        },
        title="What the numbers mean",
        card=LinkCard("Every column, board and award explained"),
        columns=columns,
        boards=boards,
        awards=given,
        points=", ".join(str(points) for points in POINTS),
        season_boards=", ".join(BOARDS[name].heading for name in SEASON_BOARDS),
    )


def _session_table(rows: Sequence[SessionRow], up: str) -> str:
    return markup.table(
        "Sessions",
        [
            Col(
                "Session",
                lambda row: markup.link(
                    up + paths.session(row.id),
                    html(f'<time datetime="{row.started_at.isoformat()}">{markup.weekday(row.began)}</time>'),
                ),
                kind="h",
            ),
            Col("Score", lambda row: markup.score(row.score), "Score of the longest series"),
            number("maps", "Maps", ""),
            number("players", "Players", ""),
            Col("Began", lambda row: f"{row.began:%H:%M}"),
            Col("Length", lambda row: markup.span(row.seconds)),
            number("rounds", "Rounds", ""),
            Col("Server", lambda row: markup.text(row.server), kind="t"),
        ],
        rows,
    )


def _records(pages: Pages, feats: Sequence[RecordValue], zone: tzinfo, kind: str) -> str:
    """Return the table of records of one kind: of a `round`, of a `session`, or by `map`."""
    up = paths.up("records")
    place = paths.session if kind == "session" else paths.round_
    columns = [
        Col("Record", lambda row: RECORDS[row.record].heading, kind="h"),
        Col("Value", lambda row: record_value(row.record, row.value)),
        Col("Player", lambda row: pages.person(row.player_guid, row.player_name, up), kind="t"),
        markup.when(up, zone, place),
    ]
    on_map = Col("Map", lambda row: markup.map_link(row.map_name or row.played_on, up), kind="t")
    if kind == "map":
        columns.insert(0, on_map)
    elif kind == "round":
        columns.insert(3, on_map)
    captions = {"round": "In one round", "session": "In one session", "map": "By map"}
    return markup.table(captions[kind], columns, feats)


def _record_line(kind: str, feat: RecordValue, zone: tzinfo) -> dict[str, object]:
    """Return a record with the keys of `records --json`."""
    return {
        "span": kind,
        "map_name": feat.map_name,
        "record": feat.record.replace("_", "-"),
        "value": feat.value,
        "unit": RECORDS[feat.record].unit,
        "player_guid": feat.player_guid,
        "player_name": feat.player_name,
        "clean_name": feat.clean_name,
        "played_on": feat.played_on,
        "ended_at": feat.ended_at.astimezone(zone),
        "id": feat.id,
    }
