"""Pages of maps and weapons."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

from etstats.db.maps import MapSums, RecordValue, WeaponUse
from etstats.db.players import WithWeapon
from etstats.domain.rules.records import RECORDS
from etstats.domain.stats import ScoreLine
from etstats.domain.views import RoundRow
from etstats.site import charts, json_data, markup, paths
from etstats.site.charts import Bar
from etstats.site.markup import Col, clock, percent, share, whole
from etstats.site.pages import LinkCard, Pages
from etstats.site.scoreboard import number
from etstats.site.values import record_value

BEST_ATTACKS = 10
_RECENT = 20
_STEPS = (15, 30, 60, 120, 300)  # possible bin widths of a distribution, in seconds
_BINS = 16
_LISTED = 100


class MapPage(NamedTuple):
    """Data of a map's page: its rounds in time order, and the scoreboards of its fastest attacks by round."""

    sums: MapSums
    rounds: Sequence[RoundRow]
    best: Mapping[int, Sequence[ScoreLine]]
    records: Sequence[RecordValue]


class WeaponUser(NamedTuple):
    """A player's numbers with a weapon."""

    player_guid: str
    player_name: str
    use: WithWeapon


def best_attacks(rounds: Sequence[RoundRow]) -> list[RoundRow]:
    """Return the fastest successful attacks, fastest first; times above the limit are ignored."""
    return sorted(_attacks(rounds), key=lambda row: (row.actual_time_seconds or 0, row.ended_at, row.id))[
        :BEST_ATTACKS
    ]


def maps_files(pages: Pages, maps: Sequence[MapPage], zone: tzinfo) -> dict[str, bytes]:
    """Return the files of the list of maps."""
    up = paths.up("maps")
    return pages.page(
        "maps",
        "maps.html",
        [row.sums for row in maps],
        title="Maps",
        card=LinkCard(markup.count(len(maps), "map")),
        table=markup.table(
            "Maps",
            [
                Col("Map", lambda row: markup.map_link(row.sums.map_name, up), kind="h"),
                Col("Played", lambda row: whole(row.sums.times_played), "Times the map was played"),
                Col("Attack", lambda row: share(row.sums.attack_share), "Share of attacks that succeeded"),
                Col("Average", lambda row: clock(row.sums.average_attack_seconds), "Average time of an attack"),
                Col("Best", lambda row: clock(row.sums.best_attack_seconds), "Fastest attack"),
                Col("Attack times", lambda row: _small(row.rounds), "How long successful attacks took", "t"),
                Col(
                    "Full holds",
                    lambda row: whole(row.sums.limit_holds),
                    "Rounds that were held to the map's limit",
                ),
                Col(
                    "Set time held",
                    lambda row: whole(row.sums.set_time_holds),
                    "Second rounds held for the set time",
                ),
                Col("Gave up", lambda row: whole(row.sums.surrenders), "Rounds in which the attackers gave up"),
                Col("Last", lambda row: markup.moment(row.sums.last_played.astimezone(zone)), kind="t"),
            ],
            maps,
            classes="board",
        ),
    )


def map_files(pages: Pages, page: MapPage, zone: tzinfo) -> dict[str, bytes]:
    """Return the files of one map's page."""
    sums = page.sums
    folder = paths.map_(sums.map_name)
    up = paths.up(folder)
    name = markup.visible(sums.map_name)
    attacks = best_attacks(page.rounds)
    facts = [
        ("Played", markup.count(sums.times_played, "time")),
        ("Attack succeeds", share(sums.attack_share)),
        ("Average attack", clock(sums.average_attack_seconds)),
        ("Fastest attack", clock(sums.best_attack_seconds)),
        ("Full holds", whole(sums.limit_holds)),
        ("Set time held", whole(sums.set_time_holds)),
        ("Gave up", whole(sums.surrenders)),
    ]
    return pages.page(
        folder,
        "map.html",
        {"map": sums, "records": page.records},
        title=name,
        card=LinkCard(
            f"{markup.count(sums.times_played, 'match', 'matches')}, {share(sums.attack_share)} of attacks succeed"
        ),
        sums=sums,
        facts=facts,
        distribution=_distribution(page.rounds),
        best=markup.table(
            "Fastest attacks",
            [
                Col("Time", lambda row: clock(row.actual_time_seconds)),
                markup.when(up, zone),
                Col("Side", lambda row: "Allies" if row.defender_team == 1 else "Axis", kind="t"),
                Col("Line-up", lambda row: _line_up(pages, up, row, page.best.get(row.id, ())), kind="w"),
            ],
            attacks,
        ),
        sides=_side_table(page.rounds),
        records=markup.table(
            "Records",
            [
                Col("Record", lambda row: RECORDS[row.record].heading, kind="h"),
                Col("Value", lambda row: record_value(row.record, row.value)),
                Col("Player", lambda row: pages.person(row.player_guid, row.player_name, up), kind="t"),
                markup.when(up, zone),
            ],
            page.records,
        ),
        recent=_recent(page.rounds, up, zone),
    )


def weapons_files(pages: Pages, weapons: Sequence[WeaponUse]) -> dict[str, bytes]:
    """Return the files of the list of weapons."""
    up = paths.up("weapons")
    used = [row for row in weapons if row.kills]
    return pages.page(
        "weapons",
        "weapons.html",
        weapons,
        title="Weapons",
        card=LinkCard(markup.count(len(weapons), "weapon")),
        bars=charts.bars(
            "Kills by weapon",
            [
                Bar(
                    row.weapon_name,
                    row.kills,
                    f"{row.weapon_name}: {row.kills:,} kills, {share(row.kill_share)} of all",
                )
                for row in used[:16]
            ],
        ),
        table=markup.table(
            "Weapons",
            [
                Col("Weapon", lambda row: markup.weapon_link(row.weapon_name, up), kind="h"),
                number("kills", "Kills", ""),
                number("kill_share", "Share", "Share of all kills", share),
                number("accuracy", "Acc", "Hits per shot", percent),
                number("headshot_share", "HS", "Hits on the head per hit", percent),
                number("players", "Players", "Players who used it"),
                Col(
                    "Most kills by",
                    lambda row: pages.person(row.player_guid, row.player_name, up) if row.player_guid else "–",
                    kind="t",
                ),
                number("player_kills", "Kills", "Kills of that player"),
            ],
            weapons,
        ),
    )


def weapon_files(pages: Pages, use: WeaponUse, users: Sequence[WeaponUser]) -> dict[str, bytes]:
    """Return the files of one weapon's page; `users` are sorted by kills."""
    folder = paths.weapon(use.weapon_name)
    up = paths.up(folder)
    bullets = [
        Col("Acc", lambda row: percent(row.use.accuracy), "Hits per shot"),
        Col("HS", lambda row: percent(row.use.headshot_share), "Hits on the head per hit"),
    ]
    return pages.page(
        folder,
        "weapon.html",
        [
            {"player_guid": row.player_guid, "player_name": row.player_name, **json_data.plain(row.use)}
            for row in users
        ],
        title=markup.visible(use.weapon_name),
        card=LinkCard(f"{markup.count(use.kills, 'kill')} by {markup.count(use.players, 'player')}"),
        facts=[
            ("Kills", whole(use.kills)),
            ("Share of all kills", share(use.kill_share)),
            *(
                [("Accuracy", percent(use.accuracy)), ("Headshots", percent(use.headshot_share))]
                if use.accuracy is not None
                else []
            ),
            ("Players", whole(use.players)),
        ],
        table=markup.table(
            "Players",
            [
                Col("Player", lambda row: pages.person(row.player_guid, row.player_name, up), kind="h"),
                Col("Kills", lambda row: whole(row.use.kills)),
                Col("Deaths by it", lambda row: whole(row.use.deaths)),
                *(bullets if use.accuracy is not None else []),
                Col("Rounds", lambda row: whole(row.use.rounds), "Rounds in which it was used"),
            ],
            users[:_LISTED],
            classes="board",
        ),
        more=max(0, len(users) - _LISTED),
    )


def _attacks(rounds: Sequence[RoundRow]) -> list[RoundRow]:
    return [row for row in rounds if row.outcome == "completed" and row.actual_time_seconds is not None]


def _bins(rounds: Sequence[RoundRow]) -> tuple[int, int, Counter[int]]:
    """Return the width of a bin in seconds, the first bin, and the number of attacks per bin."""
    times = [row.actual_time_seconds or 0 for row in _attacks(rounds)]
    if not times:
        return 60, 0, Counter()
    reach = max(times) - min(times)
    step = next((step for step in _STEPS if reach / step <= _BINS), _STEPS[-1])
    return step, min(times) // step, Counter(seconds // step for seconds in times)


def _distribution(rounds: Sequence[RoundRow]) -> str:
    step, first, counts = _bins(rounds)
    if sum(counts.values()) < 2:
        return ""
    last = max(counts)
    bars = [
        Bar(
            clock(place * step),
            counts[place],
            f"{clock(place * step)} to {clock((place + 1) * step)}: {markup.count(counts[place], 'attack')}",
        )
        for place in range(first, last + 1)
    ]
    return charts.histogram("Times of successful attacks", bars, every=max(1, -(-len(bars) // 6)))


def _small(rounds: Sequence[RoundRow]) -> str:
    _, first, counts = _bins(rounds)
    if not counts:
        return ""
    values = [float(counts[place]) for place in range(first, max(counts) + 1)]
    return charts.sparkline("Times of attacks from the fastest to the slowest", values, max(values))


def _line_up(pages: Pages, up: str, round_: RoundRow, lines: Sequence[ScoreLine]) -> str:
    attackers = [line for line in lines if line.team == 3 - round_.defender_team and not line.is_hidden]
    return ", ".join(pages.person(line.player_guid, line.player_name, up) for line in attackers)


def _side_table(rounds: Sequence[RoundRow]) -> str:
    """Return the table of wins of each side, in attack and in defence."""
    won: Counter[tuple[int, bool]] = Counter()
    played: Counter[tuple[int, bool]] = Counter()
    for row in rounds:
        if row.winner_team:
            for side in (1, 2):
                place = side, side != row.defender_team
                played[place] += 1
                won[place] += row.winner_team == side
    return markup.table(
        "Sides",
        [
            Col("Side", lambda place: "Axis" if place[0] == 1 else "Allies", kind="h"),
            Col("In", lambda place: "attack" if place[1] else "defence", kind="t"),
            Col("Rounds", lambda place: whole(played[place])),
            Col("Won", lambda place: share(won[place] / played[place])),
        ],
        [place for place in ((1, True), (1, False), (2, True), (2, False)) if played[place]],
    )


def _recent(rounds: Sequence[RoundRow], up: str, zone: tzinfo) -> str:
    matches = list(dict.fromkeys((row.server, row.match_id) for row in reversed(rounds)))[:_RECENT]
    by_match: dict[tuple[str, str], list[RoundRow]] = {}
    for row in rounds:
        by_match.setdefault((row.server, row.match_id), []).append(row)
    return markup.table(
        "Last matches",
        [
            Col(
                "Match",
                lambda key: markup.link(
                    up + paths.match(*key),
                    markup.moment(by_match[key][-1].ended_at.astimezone(zone), with_time=True),
                ),
                kind="h",
            ),
            Col("Round 1", lambda key: _time(by_match[key], 1), kind="t"),
            Col("Round 2", lambda key: _time(by_match[key], 2), kind="t"),
            Col("Server", lambda key: markup.text(key[0]), kind="t"),
        ],
        matches,
    )


def _time(rounds: Sequence[RoundRow], number_: int) -> str:
    row = next((row for row in rounds if row.round_number == number_), None)
    if row is None:
        return "–"
    words = {"completed": "", "fullhold": "held ", "surrender": "gave up "}.get(row.outcome, "")
    return f"{words}{clock(row.actual_time_seconds)}"
