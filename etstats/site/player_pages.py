"""Pages of players: the index, and a profile per player."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from etstats.db.overview import SessionSums
from etstats.db.players import OnMap, OnSide, Teammate, WithWeapon
from etstats.domain.rules.boards import BOARDS
from etstats.domain.rules.records import RECORDS
from etstats.domain.stats import PlayerSums
from etstats.domain.views import ProgressRow
from etstats.site import charts, markup, paths
from etstats.site.cards import player_card
from etstats.site.charts import Bar, Point
from etstats.site.markup import NOTHING, Col, clock, html, percent, share, two, whole
from etstats.site.pages import LinkCard, Pages
from etstats.site.scoreboard import number
from etstats.site.values import board_value, record_value
from etstats.stats.overview import RatingPoint
from etstats.stats.profiles import Profile

_FORM_SESSIONS = 60  # of the chart
_RATED_MATCHES = 100  # of the chart
_TREND = 10  # sessions of the trend and its interval
_COMPANY = 30  # number of listed teammates and opponents
_WEAPONS = 12
_INDEX = 400  # players on one page
_WEEKS = 53


class PlayerPage(NamedTuple):
    """Data of a page besides the profile: sums by session, oldest first, rounds by day, and ratings."""

    profile: Profile
    form: Sequence[SessionSums]
    days: Mapping[date, int]
    newest: date
    ratings: Sequence[RatingPoint] = ()


class IndexRow(NamedTuple):
    """A player in the index."""

    player_guid: str
    player_name: str
    clean_name: str
    rounds: int
    last_seen: datetime
    time_played_seconds: int
    kd_ratio: float | None
    dpm: float | None
    accuracy: float | None
    headshot_share: float | None


def player_files(pages: Pages, player: PlayerPage, zone: tzinfo) -> dict[str, bytes]:
    """Return the files of one player's page."""
    profile = player.profile
    folder = paths.player(profile.player_guid)
    up = paths.up(folder)
    sums = profile.sums
    assert sums is not None  # noqa: S101  # players with a page have rounds
    values = {place.board: place for place in profile.places}
    facts = [
        *_rating_fact(player.ratings),
        ("Rounds", whole(sums.rounds)),
        ("Time played", markup.span(sums.time_played_seconds)),
        *(
            (BOARDS[name].heading, board_value(BOARDS[name], values[name].value))
            for name in ("kd", "dpm", "accuracy", "headshots")
        ),
        ("Last seen", markup.day(profile.last_seen.astimezone(zone))),
    ]
    ranked = sorted(
        (place for place in profile.places if place.rank is not None),
        key=lambda place: (place.board == "deaths", place.rank or 0),  # most deaths is not an achievement
    )
    dpm = board_value(BOARDS["dpm"], values["dpm"].value)
    kd = board_value(BOARDS["kd"], values["kd"].value)
    picture = pages.picture(folder, lambda: player_card(pages.options.title, profile.player_name, facts))
    return picture | pages.page(
        folder,
        "player.html",
        profile,
        title=markup.plain_name(profile.player_name),
        card=LinkCard(f"{markup.count(sums.rounds, 'round')}, K/D {kd}, {dpm} DPM", next(iter(picture), None)),
        profile=profile,
        facts=facts,
        form=_form_chart(player.form, zone),
        rating=_rating_chart(player.ratings, zone),
        activity=charts.calendar(
            f"Rounds by day up to {markup.day(player.newest)}", dict(player.days), player.newest, _WEEKS, "round"
        ),
        places=markup.table(
            "Ranks",
            [
                Col(
                    "Board",
                    lambda row: markup.link(f"{up}leaderboards/{row.board}", BOARDS[row.board].heading),
                    kind="h",
                ),
                Col("Value", lambda row: board_value(BOARDS[row.board], row.value)),
                Col("Rank", lambda row: f"{row.rank} of {row.players}"),
            ],
            ranked,
        ),
        sides=_sides(profile.sides),
        maps=_maps(profile.maps, up),
        weapon_bars=charts.bars(
            "Kills by weapon",
            [
                Bar(use.weapon_name, use.kills, f"{use.weapon_name}: {use.kills:,} kills in {use.rounds:,} rounds")
                for use in profile.weapons[:_WEAPONS]
                if use.kills
            ],
        ),
        weapons=_weapons(profile.weapons, up),
        company=_company(pages, up, profile.company),
        records=markup.table(
            "Best rounds",
            [
                Col("Record", lambda row: RECORDS[row.record].heading, kind="h"),
                Col("Value", lambda row: record_value(row.record, row.value)),
                Col("Map", lambda row: markup.text(row.played_on), kind="t"),
                markup.when(up, zone),
            ],
            profile.records,
        ),
        achievements=[_progress(row, zone) for row in profile.achievements],
        rounds=_rounds(player, up, zone),
        names=markup.table(
            "Names",
            [
                Col(
                    "Name",
                    lambda row: html(f"<bdi>{markup.text(markup.plain_name(row.alias.replace('^', '^^')))}</bdi>"),
                    kind="h",
                ),
                Col("Rounds", lambda row: whole(row.times_seen)),
                Col("First", lambda row: markup.moment(row.first_seen.astimezone(zone)), kind="t"),
                Col("Last", lambda row: markup.moment(row.last_seen.astimezone(zone)), kind="t"),
            ],
            profile.aliases[:_COMPANY],
        ),
        more_names=max(0, len(profile.aliases) - _COMPANY),
        more_company=max(0, len(profile.company) - _COMPANY),
    )


def moved_files(pages: Pages, guid: str, leads_to: str) -> dict[str, bytes]:
    """Return the page of a merged GUID, which redirects to the person's page."""
    return pages.page(
        paths.player(guid),
        "moved.html",
        {"player_guid": guid, "identity_guid": leads_to},
        title="Moved",
        target=paths.player(leads_to),
    )


def index_files(pages: Pages, rows: Sequence[IndexRow], zone: tzinfo) -> dict[str, bytes]:
    """Return the files of the players' index, most rounds first."""
    ordered = sorted(rows, key=lambda row: (-row.rounds, row.player_guid))
    parts = [ordered[at : at + _INDEX] for at in range(0, len(ordered), _INDEX)] or [[]]
    files: dict[str, bytes] = {}
    for place, part in enumerate(parts, 1):
        folder = _index_folder(place)
        up = paths.up(folder)
        files |= pages.page(
            folder,
            "players.html",
            part,
            title="Players" if place == 1 else f"Players, page {place}",
            card=LinkCard(markup.count(len(rows), "player")),
            table=markup.table(
                "Players",
                [
                    Col(
                        "Player",
                        lambda row, up=up: pages.person(row.player_guid, row.player_name, up),  # type: ignore[misc]
                        kind="h",
                    ),
                    number("rounds", "Rounds", ""),
                    Col("Last seen", lambda row: markup.moment(row.last_seen.astimezone(zone)), kind="t"),
                    number("time_played_seconds", "Played", "Time played", markup.span),
                    number("kd_ratio", "K/D", "Kills per death", two),
                    number("dpm", "DPM", "Damage given per minute played", whole),
                    number("accuracy", "Acc", "Hits per shot, bullet weapons", percent),
                    number("headshot_share", "HS", "Hits on the head per hit, bullet weapons", percent),
                ],
                part,
                classes="board",
            ),
            total=len(rows),
            parts=[(number_, _index_folder(number_), number_ == place) for number_ in range(1, len(parts) + 1)],
        )
    return files


def search_index(rows: Sequence[tuple[str, str, Sequence[str]]]) -> bytes:
    """Return the search index (GUID, name, former names) as a script, because local pages cannot fetch files."""
    players = [
        [
            guid,
            present,
            list(dict.fromkeys(shown for alias in others if (shown := markup.visible(alias, 48)) != present))[:8],
        ]
        for guid, name, others in rows
        for present in [markup.plain_name(name)]
    ]
    document = json.dumps(players, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    return f"window.etstatsPlayers={document};\n".encode()


def index_row(sums: PlayerSums) -> IndexRow:
    """Return a player's sums as a row of the index."""
    shots, hits = sums.shots, sums.hits
    return IndexRow(
        player_guid=sums.player_guid,
        player_name=sums.player_name,
        clean_name=sums.clean_name,
        rounds=sums.rounds,
        last_seen=sums.last_seen,
        time_played_seconds=sums.time_played_seconds,
        kd_ratio=sums.kills / sums.deaths if sums.deaths else float(sums.kills),
        dpm=60 * sums.damage_given / sums.time_played_seconds if sums.time_played_seconds else None,
        accuracy=100 * hits / shots if shots else None,
        headshot_share=100 * sums.bullet_headshots / hits if hits else None,
    )


def _index_folder(place: int) -> str:
    return "players" if place == 1 else f"players/page-{place}"


def _form_chart(form: Sequence[SessionSums], zone: tzinfo) -> str:
    """Return the chart of DPM by session, with the mean of the last sessions and one standard deviation."""
    rows = [row for row in form if row.time_played_seconds]
    values = [60 * row.damage_given / row.time_played_seconds for row in rows]
    if len(values) < 3:
        return ""
    first = max(0, len(rows) - _FORM_SESSIONS)
    points, trend = [], []
    for index in range(first, len(rows)):
        row, value = rows[index], values[index]
        last = values[max(0, index - _TREND + 1) : index + 1]
        mean = sum(last) / len(last)
        spread = (sum((one - mean) ** 2 for one in last) / len(last)) ** 0.5
        deaths = row.kills / row.deaths if row.deaths else row.kills
        points.append(
            Point(
                value,
                f"{markup.day(row.ended_at.astimezone(zone))}: {value:,.0f} DPM, K/D {deaths:.2f}, "
                f"{markup.count(row.rounds, 'round')}",
                mean - spread,
                mean + spread,
            )
        )
        trend.append(mean)
    shown = rows[first:]
    ticks = sorted({0, len(shown) // 2, len(shown) - 1})
    return charts.line(
        f"Damage per minute in the last {len(shown)} sessions, with the mean of {_TREND} sessions",
        points,
        [(index, markup.day(shown[index].ended_at.astimezone(zone))) for index in ticks],
        trend=trend,
    )


def _rating_fact(ratings: Sequence[RatingPoint]) -> list[tuple[str, str]]:
    return [("Rating", f"{ratings[-1].points:,} ± {ratings[-1].high - ratings[-1].points}")] if ratings else []


def _rating_chart(ratings: Sequence[RatingPoint], zone: tzinfo) -> str:
    """Return the chart of the rating after each of the last matches, with its interval."""
    shown = ratings[-_RATED_MATCHES:]
    if len(shown) < 3:
        return ""
    return charts.line(
        f"Rating after each of the last {len(shown)} matches, with its interval",
        [
            Point(
                one.points,
                f"{markup.day(one.ended_at.astimezone(zone))}: {one.points:,} ({one.low:,} to {one.high:,})",
                one.low,
                one.high,
            )
            for one in shown
        ],
        [(at, markup.day(shown[at].ended_at.astimezone(zone))) for at in (0, len(shown) // 2, len(shown) - 1)],
    )


def _sides(rows: Sequence[OnSide]) -> str:
    return markup.table(
        "Attack and defence",
        [
            Col("Side", lambda row: "Attack" if row.is_attack else "Defence", kind="h"),
            *_results(),
        ],
        rows,
    )


def _maps(rows: Sequence[OnMap], up: str) -> str:
    return markup.table(
        "Maps",
        [Col("Map", lambda row: markup.map_link(row.map_name, up), kind="h"), *_results()],
        rows,
    )


def _results() -> list[Col]:
    return [
        number("rounds", "Rounds", ""),
        number("win_share", "Won", "Share of the rounds that had a winner", share),
        number("kd_ratio", "K/D", "Kills per death", two),
        number("dpm", "DPM", "Damage given per minute played", whole),
    ]


def _weapons(rows: Sequence[WithWeapon], up: str) -> str:
    return markup.table(
        "Weapons",
        [
            Col("Weapon", lambda row: markup.weapon_link(row.weapon_name, up), kind="h"),
            number("kills", "Kills", ""),
            number("deaths", "Deaths by it", ""),
            number("accuracy", "Acc", "Hits per shot", percent),
            number("headshot_share", "HS", "Hits on the head per hit", percent),
            number("rounds", "Rounds", "Rounds in which it was used"),
        ],
        rows,
    )


def _company(pages: Pages, up: str, rows: Sequence[Teammate]) -> str:
    most = sorted(rows, key=lambda row: (-(row.rounds_with + row.rounds_against), row.player_guid))
    return markup.table(
        "Teammates and opponents",
        [
            Col("Player", lambda row: pages.person(row.player_guid, row.player_name, up), kind="h"),
            number("rounds_with", "With", "Rounds on the same side"),
            number("win_share_with", "Won with", "Share of the rounds together that were won", share),
            number("rounds_against", "Against", "Rounds on opposite sides"),
            number(
                "win_share_against", "Won against", "Share of the rounds on opposite sides that were won", share
            ),
        ],
        most[:_COMPANY],
        classes="board",
    )


def _rounds(player: PlayerPage, up: str, zone: tzinfo) -> str:
    return markup.table(
        "Last rounds",
        [
            Col(
                "Round",
                lambda row: markup.link(
                    up + paths.round_(row.round_id), markup.moment(row.ended_at.astimezone(zone), with_time=True)
                ),
                kind="h",
            ),
            Col("Map", lambda row: markup.text(row.map_name), kind="t"),
            Col("Side", lambda row: "attack" if row.is_attack else "defence", kind="t"),
            Col(
                "Result", lambda row: NOTHING if row.is_won is None else "won" if row.is_won else "lost", kind="t"
            ),
            number("kills", "K", "Kills"),
            number("deaths", "D", "Deaths"),
            number("dpm", "DPM", "Damage given per minute played", whole),
            number("time_played_seconds", "Played", "Time played", clock),
        ],
        list(reversed(player.profile.form.rounds)),
    )


def _progress(row: ProgressRow, zone: tzinfo) -> Mapping[str, object]:
    return {
        "title": row.title,
        "unit": row.unit,
        "value": row.value,
        "reached": row.reached,
        "reached_on": None if row.reached_on is None else markup.day(row.reached_on.astimezone(zone)),
        "next": row.next,
        "left": row.left,
        "of": 100 if row.next is None else 100 * row.value // row.next,
    }
