"""Summaries of a week, a month or a quarter, of the last sessions, and of this day in earlier years."""

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.scope import Scope, played_span
from etstats.domain.rules.boards import BOARDS, value_of
from etstats.domain.rules.calendar_spans import Span, noon_to_noon
from etstats.domain.rules.season_standings import SeasonStanding
from etstats.domain.views import RecordRow, SessionRow, SessionView
from etstats.stats import awards, rankings, seasons, sessions
from etstats.stats.seasons import Leader

_USUAL_ROUNDS = 10
"""Minimum number of earlier rounds for a player's averages."""


class Recap(NamedTuple):
    """A time span: numbers of rounds and players, standings, board leaders, broken all-time records."""

    span: str
    name: str
    since: datetime
    until: datetime
    rounds: int
    maps: int
    sessions: int
    players: int
    played_seconds: int
    standings: Sequence[SeasonStanding]
    leaders: Sequence[Leader]
    records: Sequence[RecordRow]
    played: Sequence[SessionRow]

    @property
    def champions(self) -> list[SeasonStanding]:
        """Return the players with the most points: one, or several if equal."""
        return [line for line in self.standings if line.rank == 1 and line.points > 0]


class MorningLine(NamedTuple):
    """A player in the sessions before a morning.

    `dpm_change` is the difference from the player's average, None for a new player.
    """

    player_guid: str
    clean_name: str
    rounds: int
    kills: int
    deaths: int
    dpm: float | None
    dpm_change: float | None


class Anniversary(NamedTuple):
    """The longest session of this day in an earlier year, with more than one round."""

    year: int
    session: SessionView


def recap(conn: Connection, span: Span) -> Recap:
    """Return the recap of a time span; `rounds` is 0 if nothing was played."""
    scope = Scope(since=span.since, until=span.until)
    season = seasons.season(conn, span.name, scope)
    return Recap(
        span=span.kind,
        name=span.name,
        since=span.since,
        until=span.until,
        rounds=season.facts.rounds,
        maps=season.facts.maps,
        sessions=season.facts.sessions,
        players=season.players,
        played_seconds=season.facts.played_seconds,
        standings=season.standings,
        leaders=season.leaders,
        records=_records(conn, scope) if span.kind != "season" and season.facts.rounds else (),
        played=sessions.session_rows(conn, scope, None) if span.kind == "week" and season.facts.rounds else (),
    )


def last_sessions(conn: Connection, day: date, zone: tzinfo) -> list[MorningLine]:
    """Return the players of the sessions before a morning, most kills first."""
    since, until = noon_to_noon(day, zone)
    dpm = BOARDS["dpm"]
    earlier = rankings.population(conn, Scope(until=since), boards=[dpm], with_before=False, with_names=False)
    before = {player.player_guid: player for player in earlier.now}
    lines: list[MorningLine] = []
    for player in rankings.population(conn, Scope(since=since, until=until), with_before=False).now:
        value, past = value_of(dpm, player), before.get(player.player_guid)
        usual = value_of(dpm, past) if past is not None and past.rounds >= _USUAL_ROUNDS else None
        lines.append(
            MorningLine(
                player_guid=player.player_guid,
                clean_name=player.clean_name,
                rounds=player.rounds,
                kills=player.kills,
                deaths=player.deaths,
                dpm=value,
                dpm_change=None if value is None or usual is None else value - usual,
            )
        )
    return sorted(lines, key=lambda line: (-line.kills, line.player_guid))


def anniversary(conn: Connection, day: date) -> Anniversary | None:
    """Return the longest session of this day in the newest year that has one, or None."""
    played = played_span(conn)
    for year in range(day.year - 1, played[0].year - 2 if played else day.year, -1):
        try:
            earlier = day.replace(year=year)
        except ValueError:  # 29 February
            continue
        views = [sessions.session_view(conn, number) for number in stored.sessions_of_day(conn, earlier, None)]
        longest = max(views, key=lambda view: (len(view.rounds), -view.id), default=None)
        if longest is not None and len(longest.rounds) > 1:
            return Anniversary(year=year, session=longest)
    return None


def _records(conn: Connection, scope: Scope) -> Sequence[RecordRow]:
    """Return the broken all-time records, without those of hidden players."""
    rounds = stored.recent_rounds(conn, scope, None)
    lines = stored.scoreboards(conn, dict.fromkeys([round_.id for round_ in rounds], 0)).get(0, [])
    first = min(round_.ended_at for round_ in rounds)
    shown = [line for line in lines if not line.is_hidden]
    found, _ = awards.fallen(conn, [round_.id for round_ in rounds], first, lines)
    guids = {line.player_guid for line in shown}
    return [record for record in found if record.is_all_time and record.player_guid in guids]
