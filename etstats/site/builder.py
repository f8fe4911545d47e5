"""Build a site: find what changed since the last build, read it, and write its pages."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from etstats.db import maps as stored_maps
from etstats.db import overview as stored
from etstats.db.connection import Connection
from etstats.db.maps import MapSums, RecordValue
from etstats.db.scope import Scope
from etstats.domain.rules.achievements import ACHIEVEMENTS, Achievement
from etstats.domain.rules.quarters import quarter_of, quarter_span, quarters_between
from etstats.domain.stats import PlayerSums
from etstats.domain.views import RoundRow, SessionRow
from etstats.site import board_pages, feed, list_pages, map_pages, player_pages
from etstats.site.board_pages import ALL_TIME, BoardScope, map_scope, season_scope
from etstats.site.folder import Changes, SiteFolder, open_folder
from etstats.site.list_pages import FormRow, Home, NextMilestone
from etstats.site.map_pages import MapPage, WeaponUser
from etstats.site.pages import Pages
from etstats.site.player_pages import PlayerPage
from etstats.site.session_pages import SessionPages, session_files
from etstats.site.settings import SiteConfig
from etstats.stats import overview, rankings, rating_lists, seasons
from etstats.stats.overview import PlayerHistory
from etstats.stats.rankings import Population
from etstats.stats.seasons import Season

_HOME_FORM = 8  # players
_HOME_MILESTONES = 8
_FORM_ROUNDS = 4  # minimum rounds of the week
_USUAL_ROUNDS = 20
_SEEN_DAYS = 30  # before the newest round: absent players are excluded
_EVERYTHING = "everything"


def build(
    conn: Connection,
    root: Path,
    options: SiteConfig,
    zone: tzinfo,
    *,
    wait_seconds: float = 0.0,
    anew: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Changes:
    """Update the site in a folder; with `anew` write all pages again.

    `zone`: the time zone of days and seasons. `progress` gets (done, total) sessions. For the
    exceptions see `folder.open_folder`.
    """
    with open_folder(root, wait_seconds) as folder:
        build_ = _Build(conn, folder, options, zone, anew=anew)
        build_.run(progress)
        return folder.finish()


class _SessionPages(NamedTuple):
    """The data of a session that decides whether its pages are written."""

    id: int
    rounds: list[RoundRow]
    content: str
    """The fingerprint of its rounds, and of who of its players has a page."""


class _Build:
    """A build; data is read on first use."""

    def __init__(
        self, conn: Connection, folder: SiteFolder, options: SiteConfig, zone: tzinfo, *, anew: bool
    ) -> None:
        self._conn = conn
        self._folder = folder
        self._zone = zone
        self._anew = anew
        self._rounds = overview.all_rounds(conn)
        self._prints = {row.round_id: row for row in stored.round_fingerprints(conn)}
        self._merged = stored.merged_players(conn)
        self._participants = {
            session_id: sorted({self._merged.get(guid, guid) for guid in guids})
            for session_id, guids in stored.participants(conn).items()
        }
        names = stored.shown_players(conn)
        self._names = {guid: name for guid, name in names.items() if guid not in self._merged}
        self._ratings = overview.ratings(conn)
        self._standings = rating_lists.standings(conn)
        self._ranks = {row.player_guid: row.rank for row in self._standings}
        self._pages = Pages(options, self._names, self._merged)
        self._all_names = digest(sorted(self._names.items()))
        self._everything = digest(
            self._pages.version,
            str(zone),
            self._all_names,
            [tuple(row) for row in self._prints.values()],
            sorted(self._participants.items()),
            self._merged,
            sorted((guid, digest(ratings)) for guid, ratings in self._ratings.items()),
        )

    def run(self, progress: Callable[[int, int], None]) -> None:
        """Pass every group of the site to the folder."""
        if not self._anew and self._folder.keep_all(_EVERYTHING, self._everything):
            return
        self._write_sessions(progress)
        self._write_players()
        self._write_maps()
        self._write_boards()
        self._write_lists()
        self._folder.write(_EVERYTHING, self._everything, {})

    # Data that is read once.

    @cached_property
    def _sessions(self) -> list[_SessionPages]:
        rounds: dict[int, list[RoundRow]] = {}
        for round_ in self._rounds:
            rounds.setdefault(round_.session_id, []).append(round_)
        return [
            _SessionPages(
                session_id,
                own,
                digest(
                    [self._prints[round_.id].fingerprint for round_ in own],
                    [guid for guid in self._participants[session_id] if guid in self._names],
                ),
            )
            for session_id, own in sorted(rounds.items(), key=lambda item: (item[1][-1].ended_at, item[0]))
        ]

    @cached_property
    def _past(self) -> PlayerHistory:
        return overview.history(self._conn)

    @cached_property
    def _population(self) -> Population:
        return rankings.population(self._conn, Scope())

    @cached_property
    def _rounds_by_map(self) -> dict[str, list[RoundRow]]:
        rounds: dict[str, list[RoundRow]] = {}
        for round_ in self._rounds:
            rounds.setdefault(round_.map_name, []).append(round_)
        return dict(sorted(rounds.items(), key=lambda item: (-len(item[1]), item[0])))

    @cached_property
    def _seasons(self) -> list[Season]:
        return seasons.seasons(self._conn, Scope(), self._zone, most=None)

    @cached_property
    def _span(self) -> tuple[datetime, datetime] | None:
        return (self._rounds[0].ended_at, self._rounds[-1].ended_at) if self._rounds else None

    @cached_property
    def _season_names(self) -> list[str]:
        if self._span is None:
            return []
        played = {quarter_of(round_.ended_at.astimezone(self._zone)) for round_ in self._rounds}
        return [
            name
            for name in quarters_between(*(moment.astimezone(self._zone) for moment in self._span))
            if name in played
        ]

    # Groups that are written.

    def _is_kept(self, group: str, *parts: object) -> str | None:
        """Return the fingerprint of a group that must be written; None if the folder keeps it."""
        fingerprint = digest(self._pages.version, str(self._zone), *parts)
        return None if not self._anew and self._folder.keep(group, fingerprint) else fingerprint

    def _write_sessions(self, progress: Callable[[int, int], None]) -> None:
        neighbours: dict[int, tuple[int | None, int | None]] = {}
        wanted: dict[int, str] = {}
        for place, session in enumerate(self._sessions):
            older = self._sessions[place - 1].id if place else None
            newer = self._sessions[place + 1].id if place + 1 < len(self._sessions) else None
            neighbours[session.id] = older, newer
            broken = self._past.records.get(session.id, [])
            made = self._is_kept(
                f"session/{session.id}",
                session.content,
                broken,
                self._past.steps.get(session.id, []),
                neighbours[session.id],
            )
            if made is not None:
                wanted[session.id] = made
        for done, details in enumerate(overview.session_details(self._conn, list(wanted), self._past)):
            progress(done, len(wanted))
            id_ = details.view.id
            pages = SessionPages(details.view, details.matches, details.rounds, *neighbours[id_])
            self._folder.write(f"session/{id_}", wanted[id_], session_files(self._pages, pages))

    def _write_players(self) -> None:
        sessions_of: dict[str, list[str]] = {}
        for session in self._sessions:
            for guid in self._participants[session.id]:
                sessions_of.setdefault(guid, []).append(session.content)
        met = self._met()
        places = self._population.all_places()
        wanted: dict[str, str] = {}
        ranked = sum(rank is not None for rank in self._ranks.values())
        for guid in sorted(self._names.keys() & places.keys() & sessions_of.keys()):
            rated = (self._ratings[guid], self._ranks[guid], ranked) if guid in self._ranks else None
            made = self._is_kept(f"player/{guid}", met[guid], sessions_of[guid], places[guid], rated)
            if made is not None:
                wanted[guid] = made
        found = overview.profiles(self._conn, list(wanted), self._population, self._past)
        for profile in found:
            guid = profile.player_guid
            form = self._past.forms[guid]
            days: Counter[date] = Counter()
            for row in form:
                days[row.ended_at.astimezone(self._zone).date()] += row.rounds
            page = PlayerPage(profile, form, days, max(days), self._ratings.get(guid, ()))
            self._folder.write(
                f"player/{guid}", wanted[guid], player_pages.player_files(self._pages, page, self._zone)
            )

        for guid, identity in self._merged.items():
            made = self._is_kept(f"moved/{guid}", identity) if identity in self._names else None
            if made is not None:
                self._folder.write(f"moved/{guid}", made, player_pages.moved_files(self._pages, guid, identity))

    def _met(self) -> dict[str, list[tuple[str, str]]]:
        """Return the GUIDs and names that each player's page may show: all players of the player's sessions."""
        met: dict[str, set[str]] = {}
        for guids in self._participants.values():
            shown = {guid for guid in guids if guid in self._names}
            for guid in shown:
                met.setdefault(guid, set()).update(shown)
        return {guid: [(other, self._names[other]) for other in sorted(others)] for guid, others in met.items()}

    def _write_maps(self) -> None:
        wanted: dict[str, str] = {}
        for map_name, rounds in self._rounds_by_map.items():
            made = self._is_kept(f"map/{map_name}", self._all_names, self._fingerprints(rounds))
            if made is not None:
                wanted[map_name] = made
        if not wanted:
            return
        sums = {row.map_name: row for row in self._map_sums}
        best = [round_.id for name in wanted for round_ in map_pages.best_attacks(self._rounds_by_map[name])]
        boards = overview.scoreboards(self._conn, best)
        for map_name, made in wanted.items():
            page = MapPage(
                sums[map_name],
                self._rounds_by_map[map_name],
                boards,
                [feat for feat in self._round_records if feat.map_name == map_name],
            )
            self._folder.write(f"map/{map_name}", made, map_pages.map_files(self._pages, page, self._zone))

    def _write_boards(self) -> None:
        scopes = [
            ALL_TIME,
            *(season_scope(name) for name in self._season_names),
            *(map_scope(name) for name in self._rounds_by_map),
        ]
        by_season: dict[str, list[RoundRow]] = {name: [] for name in self._season_names}
        for round_ in self._rounds:
            by_season[quarter_of(round_.ended_at.astimezone(self._zone))].append(round_)
        for scope in scopes:
            rounds = self._rounds
            if scope.kind == "season":
                rounds = by_season[scope.name]
            elif scope.kind == "map":
                rounds = self._rounds_by_map[scope.name]
            made = self._is_kept(
                f"boards/{scope.folder}",
                self._all_names,
                scopes,
                self._fingerprints(rounds),
                self._standings if scope == ALL_TIME else (),
            )
            if made is not None:
                population = self._population if scope == ALL_TIME else self._population_of(scope)
                files = board_pages.board_files(self._pages, scope, population, scopes, self._standings)
                self._folder.write(f"boards/{scope.folder}", made, files)

    def _population_of(self, scope: BoardScope) -> Population:
        if scope.kind == "map":
            return rankings.population(self._conn, Scope(map_name=scope.name))
        since, until = quarter_span(scope.name, self._span, self._zone)
        return rankings.population(self._conn, Scope(since=since, until=until))

    def _write_lists(self) -> None:
        """Write the pages that change with every build."""
        files = dict(self._pages.assets)
        files |= list_pages.about_files(self._pages)
        files |= list_pages.sessions_files(self._pages, self._session_rows)
        files |= list_pages.home_files(self._pages, self._home())
        files |= list_pages.records_files(
            self._pages, self._round_records, overview.session_records(self._conn), self._zone
        )
        files |= list_pages.seasons_files(self._pages, self._seasons)
        files |= board_pages.rating_files(self._pages, self._standings, self._zone)
        for season in self._seasons:
            is_newest = season is self._seasons[0]
            files |= list_pages.season_files(self._pages, season, is_newest=is_newest)
        maps = [MapPage(row, self._rounds_by_map[row.map_name], {}, ()) for row in self._map_sums]
        files |= map_pages.maps_files(self._pages, maps, self._zone)
        files |= self._weapons()
        rows = [player_pages.index_row(player) for player in self._population.now]
        files |= player_pages.index_files(self._pages, rows, self._zone)
        files["search.js"] = self._search()
        newest = zip(self._session_rows, (session.rounds for session in self._sessions[::-1]), strict=True)
        files["feed.xml"] = feed.atom(self._pages.options, list(islice(newest, feed.LISTED)))
        self._folder.write("lists", self._everything, files)

    @cached_property
    def _map_sums(self) -> Sequence[MapSums]:
        return stored_maps.maps(self._conn, Scope())

    @cached_property
    def _round_records(self) -> Sequence[RecordValue]:
        return overview.round_records(self._conn)

    @cached_property
    def _session_rows(self) -> list[SessionRow]:
        """Return all sessions, newest first."""
        rows = overview.session_rows(self._conn, [session.rounds for session in self._sessions])
        return rows[::-1]

    def _home(self) -> Home:
        days: Counter[date] = Counter(round_.stamp.date() for round_ in self._rounds)
        ids = [session.id for session in self._sessions[-1:]]
        newest = next(overview.session_details(self._conn, ids, self._past), None)
        return Home(
            session=SessionPages(newest.view, newest.matches, newest.rounds) if newest else None,
            sessions=self._session_rows[:20],
            season=self._seasons[0] if self._seasons else None,
            form=self._form(),
            milestones=self._milestones(),
            facts=stored_maps.facts(self._conn, Scope()),
            players=len(self._population.now),
            days=days,
            newest=max(days, default=None),
        )

    def _form(self) -> list[FormRow]:
        """Return the players above their average in the week before the newest round."""
        before = {player.player_guid: player for player in self._population.before}
        rows = []
        for player in self._population.now:
            usual = before.get(player.player_guid)
            if usual is None or usual.rounds < _USUAL_ROUNDS or not usual.time_played_seconds:
                continue
            rounds = player.rounds - usual.rounds
            seconds = player.time_played_seconds - usual.time_played_seconds
            if rounds < _FORM_ROUNDS or seconds <= 0:
                continue
            dpm = 60 * (player.damage_given - usual.damage_given) / seconds
            usual_dpm = 60 * usual.damage_given / usual.time_played_seconds
            kills, deaths = player.kills - usual.kills, player.deaths - usual.deaths
            rows.append(
                FormRow(
                    player_guid=player.player_guid,
                    player_name=player.player_name,
                    rounds=rounds,
                    kd_ratio=kills / deaths if deaths else float(kills),
                    dpm=dpm,
                    usual_dpm=usual_dpm,
                    change_percent=100 * (dpm / usual_dpm - 1) if usual_dpm else 0.0,
                )
            )
        return sorted(rows, key=lambda row: (-row.change_percent, row.player_guid))[:_HOME_FORM]

    def _milestones(self) -> list[NextMilestone]:
        """Return the next achievements with the fewest rounds left, one per player."""
        if self._span is None:
            return []
        rows: dict[str, NextMilestone] = {}
        for player in self._population.now:
            career = self._past.careers.get(player.player_guid)
            if career is None or (self._span[1] - player.last_seen).days > _SEEN_DAYS:
                continue
            for achievement in ACHIEVEMENTS:
                row = _next(player, achievement, career)
                known = rows.get(player.player_guid)
                if row is not None and (known is None or row.rounds_left < known.rounds_left):
                    rows[player.player_guid] = row
        return sorted(rows.values(), key=lambda row: (row.rounds_left, row.player_guid))[:_HOME_MILESTONES]

    def _weapons(self) -> dict[str, bytes]:
        weapons = stored_maps.weapons(self._conn, Scope())
        users: dict[str, list[WeaponUser]] = {}
        for guid, uses in stored.weapons_by_player(self._conn, list(self._names)).items():
            for use in uses:
                users.setdefault(use.weapon_name, []).append(WeaponUser(guid, self._names[guid], use))
        files = map_pages.weapons_files(self._pages, weapons)
        for row in weapons:
            own = sorted(users.get(row.weapon_name, []), key=lambda user: (-user.use.kills, user.player_guid))
            files |= map_pages.weapon_files(self._pages, row, own)
        return files

    def _search(self) -> bytes:
        aliases = overview.aliases(self._conn)
        players = sorted(self._population.now, key=lambda player: (-player.rounds, player.player_guid))
        return player_pages.search_index(
            [(player.player_guid, player.player_name, aliases.get(player.player_guid, [])) for player in players]
        )

    def _fingerprints(self, rounds: Sequence[RoundRow]) -> list[int]:
        return [self._prints[round_.id].fingerprint for round_ in rounds]


def digest(*parts: object) -> str:
    """Return a hash of values whose repr is equal if they are equal."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _next(player: PlayerSums, achievement: Achievement, career: Mapping[str, int]) -> NextMilestone | None:
    value = career[achievement.key]
    step = achievement.step(value)
    if not value or step == len(achievement.thresholds):
        return None
    goal = achievement.thresholds[step]
    return NextMilestone(
        player_guid=player.player_guid,
        player_name=player.player_name,
        title=achievement.title,
        unit=achievement.unit,
        value=value,
        next=goal,
        left=goal - value,
        rounds_left=(goal - value) * career["rounds"] / value,
    )
