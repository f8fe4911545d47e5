"""Views of many sessions and players at once, for the pages of the site.

The results equal those of the commands for one session or player: `sessions` and `profiles` compute, this module
reads in bulk. The past that each session needs is read once, as `PlayerHistory`.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

from etstats.db import maps, overview, players
from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.overview import SessionSums
from etstats.db.scope import Scope
from etstats.db.series import StoredSeries, series_of_sessions
from etstats.domain.rules import rating
from etstats.domain.rules.achievements import ACHIEVEMENTS
from etstats.domain.rules.records import (
    ACCURACY_SHOTS,
    BESTS,
    DPM_SECONDS,
    SESSION_DPM_SECONDS,
    NewRecord,
    new_records,
)
from etstats.domain.stats import Career, Performance, ScoreLine
from etstats.domain.views import (
    MatchView,
    MilestoneRow,
    ProgressRow,
    RoundRow,
    RoundView,
    SessionRow,
    SessionView,
)
from etstats.stats import rating_lists
from etstats.stats.awards import record_row
from etstats.stats.profiles import FORM_ROUNDS, RATED_MATCHES, Form, Profile
from etstats.stats.rankings import Population
from etstats.stats.sessions import session_row, view_of_match, view_of_round, view_of_session

_KEYS = tuple(achievement.key for achievement in ACHIEVEMENTS)
_THRESHOLDS = tuple(achievement.thresholds for achievement in ACHIEVEMENTS)
_PART = 40  # sessions per part, to limit memory
_ALL_TIME = ""  # GUID under which the careers contain the all-time bests
_BESTS = tuple(best.key for best in BESTS)


class Step(NamedTuple):
    """A threshold that a player passed, and the round in which this happened."""

    player_guid: str
    key: str
    threshold: int
    round_id: int
    session_id: int


class RatingPoint(NamedTuple):
    """A displayed rating after a match, with its interval."""

    ended_at: datetime
    points: int
    low: int
    high: int


class PlayerHistory(NamedTuple):
    """Results of all sessions in order, without hidden players.

    `records`, `steps`: broken records and passed thresholds, by session. `forms`: the sums of each player by
    session, oldest first. `careers`: the sums for achievements, by GUID and key.
    """

    records: Mapping[int, Sequence[NewRecord]]
    steps: Mapping[int, Sequence[Step]]
    forms: Mapping[str, Sequence[SessionSums]]
    careers: Mapping[str, Mapping[str, int]]


class SessionDetails(NamedTuple):
    """A session with its matches and rounds."""

    view: SessionView
    matches: tuple[MatchView, ...]
    rounds: tuple[RoundView, ...]


def all_rounds(conn: Connection) -> list[RoundRow]:
    """Return all rounds, in time order."""
    return stored.recent_rounds(conn, Scope(), None)[::-1]


def aliases(conn: Connection) -> dict[str, list[str]]:
    """Return all names of each player, last seen first."""
    found: dict[str, list[str]] = {}
    for alias in players.aliases(conn):
        found.setdefault(alias.guid, []).append(alias.alias)
    return found


def scoreboards(conn: Connection, round_ids: Sequence[int]) -> dict[int, list[ScoreLine]]:
    """Return the scoreboard of each of these rounds."""
    return stored.scoreboards(conn, {round_id: round_id for round_id in round_ids})


def ratings(conn: Connection) -> dict[str, list[RatingPoint]]:
    """Return the ratings of each player, oldest first; empty without ratings."""
    found: dict[str, list[RatingPoint]] = {}
    for guid, ended_at, mu, sigma in overview.ratings(conn):
        point = RatingPoint(ended_at, rating.points(mu), *rating.interval(mu, sigma))
        found.setdefault(guid, []).append(point)
    return found


def round_records(conn: Connection) -> list[maps.RecordValue]:
    """Return the records of single rounds, overall and then by map."""
    return maps.round_records(conn, Scope(), dpm_seconds=DPM_SECONDS, accuracy_shots=ACCURACY_SHOTS)


def session_records(conn: Connection) -> list[maps.RecordValue]:
    """Return the records of sessions."""
    return maps.session_records(conn, Scope(), dpm_seconds=SESSION_DPM_SECONDS)


def session_rows(conn: Connection, sessions: Sequence[Sequence[RoundRow]]) -> list[SessionRow]:
    """Return the rows of the list of sessions from their rounds, in the given order."""
    sides = overview.sides(conn)
    series = series_of_sessions(conn, [rounds[0].session_id for rounds in sessions])
    return [session_row(rounds, series[rounds[0].session_id], sides) for rounds in sessions]


def history(conn: Connection) -> PlayerHistory:
    """Return the history of all sessions, computed in order."""
    sums = overview.session_sums(conn, dpm_seconds=DPM_SECONDS)
    careers, steps = _careers(conn)
    return PlayerHistory(records=_new_records(sums), steps=steps, forms=_forms(sums), careers=careers)


def session_details(conn: Connection, session_ids: Sequence[int], past: PlayerHistory) -> Iterator[SessionDetails]:
    """Yield the sessions with these ids, in this order; the next part is read while the last one is processed.

    The connection must not be used for other queries until the last one is yielded.
    """
    parts = [session_ids[at : at + _PART] for at in range(0, len(session_ids), _PART)]
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = [reader.submit(_read, conn, part) for part in parts[:1]]
        for following in [*parts[1:], None]:
            if not coming:
                return
            part = coming.pop().result()
            if following is not None:
                coming.append(reader.submit(_read, conn, following))
            yield from _details(part, past)


def profiles(conn: Connection, guids: Sequence[str], field: Population, past: PlayerHistory) -> Iterator[Profile]:
    """Return the profiles of these players over all rounds."""
    known: dict[str, list[players.Alias]] = {}
    for alias in players.aliases(conn):
        known.setdefault(alias.guid, []).append(alias)
    sums = {player.player_guid: player for player in field.now}
    names = {guid: (player.player_name, player.clean_name) for guid, player in sums.items()}
    places = field.all_places()
    bounds = {"dpm_seconds": DPM_SECONDS, "accuracy_shots": ACCURACY_SHOTS}
    found = overview.details(conn, names, guids, rounds=FORM_ROUNDS, bounds=bounds)
    steps: dict[str, list[Step]] = {}
    for passed in past.steps.values():
        for step in passed:
            steps.setdefault(step.player_guid, []).append(step)
    standings = rating_lists.standings(conn)
    for guid in guids:
        own = sums[guid]
        aliases = known[guid]
        average = 60 * own.damage_given / own.time_played_seconds if own.time_played_seconds else 0.0
        yield Profile(
            player_guid=guid,
            player_name=own.player_name,
            clean_name=own.clean_name,
            first_seen=min(alias.first_seen for alias in aliases),
            last_seen=aliases[0].last_seen,
            sums=own,
            places=tuple(places[guid]),
            form=Form(rounds=tuple(reversed(found.rounds.get(guid, []))), average_dpm=average),
            maps=tuple(found.maps.get(guid, [])),
            sides=tuple(found.sides.get(guid, [])),
            weapons=tuple(found.weapons.get(guid, [])),
            company=tuple(found.teammates.get(guid, [])),
            records=tuple(found.records.get(guid, [])),
            achievements=tuple(progress(past.careers.get(guid, {}), steps.get(guid, []), past.forms[guid])),
            aliases=tuple(aliases),
            rating=rating_lists.summary_of(conn, standings, guid, RATED_MATCHES),
        )


def progress(
    career: Mapping[str, int], steps: Sequence[Step], forms: Sequence[SessionSums]
) -> Iterator[ProgressRow]:
    """Return the progress of one player on every achievement."""
    ends = {form.session_id: form.ended_at for form in forms}
    when = {(step.key, step.threshold): ends[step.session_id] for step in steps}
    for achievement in ACHIEVEMENTS:
        value = career.get(achievement.key, 0)
        step = achievement.step(value)
        following = achievement.thresholds[step] if step < len(achievement.thresholds) else None
        mark = achievement.thresholds[step - 1] if step else None
        yield ProgressRow(
            title=achievement.title,
            unit=achievement.unit,
            value=value,
            reached=mark,
            reached_on=None if mark is None else when.get((achievement.key, mark)),
            next=following,
            left=None if following is None else following - value,
        )


class _Part(NamedTuple):
    """Stored rows of some sessions: rounds and series by session, player rows by round, and scoreboards.

    A match is identified by server id and match id.
    """

    rounds: Mapping[int, Sequence[RoundRow]]
    series: Mapping[int, Sequence[StoredSeries]]
    played: Mapping[int, Sequence[Performance]]
    of_session: Mapping[int, Sequence[ScoreLine]]
    of_match: Mapping[tuple[int, str], Sequence[ScoreLine]]
    of_round: Mapping[int, Sequence[ScoreLine]]


def _read(conn: Connection, session_ids: Sequence[int]) -> _Part:
    rounds: dict[int, list[RoundRow]] = {session_id: [] for session_id in session_ids}
    for round_ in stored.rounds_of_sessions(conn, session_ids):
        rounds[round_.session_id].append(round_)
    all_rounds = [round_ for own in rounds.values() for round_ in own]
    matches = list(dict.fromkeys((round_.server_id, round_.match_id) for round_ in all_rounds))
    number = {match: place for place, match in enumerate(matches)}
    of_match = stored.scoreboards(
        conn, {round_.id: number[round_.server_id, round_.match_id] for round_ in all_rounds}
    )
    return _Part(
        rounds={session_id: own for session_id, own in rounds.items() if own},
        series=series_of_sessions(conn, session_ids),
        played=stored.performances(conn, [round_.id for round_ in all_rounds]),
        of_session=stored.scoreboards(conn, {round_.id: round_.session_id for round_ in all_rounds}),
        of_match={match: of_match[number[match]] for match in matches},
        of_round=stored.scoreboards(conn, {round_.id: round_.id for round_ in all_rounds}),
    )


def _details(part: _Part, past: PlayerHistory) -> Iterator[SessionDetails]:
    played = part.played
    for session_id, own in part.rounds.items():
        series = part.series[session_id]
        steps = past.steps.get(session_id, ())
        lines = part.of_session[session_id]
        names = {line.player_guid: line.player_name for line in lines}
        view = view_of_session(own, series, lines, played)._replace(
            records=tuple(record_row(record, names) for record in past.records.get(session_id, ())),
            milestones=_milestones(steps, names),
        )
        both: dict[str, list[RoundRow]] = {}
        for round_ in own:
            both.setdefault(round_.match_id, []).append(round_)
        yield SessionDetails(
            view=view,
            matches=tuple(
                view_of_match(rows, series, part.of_match[rows[0].server_id, rows[0].match_id], played)
                for rows in both.values()
            ),
            rounds=tuple(
                view_of_round(
                    round_,
                    series,
                    part.of_round[round_.id],
                    played,
                    _milestones(
                        [step for step in steps if step.round_id == round_.id],
                        {line.player_guid: line.player_name for line in part.of_round[round_.id]},
                    ),
                )
                for round_ in own
            ),
        )


def _milestones(steps: Sequence[Step], names: Mapping[str, str]) -> tuple[MilestoneRow, ...]:
    """Return the passed thresholds, the highest per achievement, without Discord accounts."""
    highest: dict[tuple[int, str], int] = {}
    for step in steps:
        place = _KEYS.index(step.key), step.player_guid
        highest[place] = max(step.threshold, highest.get(place, 0))
    ordered = sorted(highest.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return tuple(
        MilestoneRow(
            title=ACHIEVEMENTS[place].title,
            unit=ACHIEVEMENTS[place].unit,
            threshold=threshold,
            player_guid=guid,
            player_name=names[guid],
            discord_user_id=None,
        )
        for (place, guid), threshold in ordered
    )


def _careers(conn: Connection) -> tuple[dict[str, dict[str, int]], dict[int, list[Step]]]:
    sums: dict[str, list[int]] = {}
    wanted: dict[str, list[int]] = {}
    steps: dict[int, list[Step]] = {}
    ladders = range(len(_KEYS))
    first = [thresholds[0] for thresholds in _THRESHOLDS]
    for gained, guid, round_id, session_id in overview.career_gains(conn):
        own = sums.get(guid)
        if own is None:
            own = sums[guid] = [0] * len(_KEYS)
            wanted[guid] = list(first)
        goals = wanted[guid]
        for place in ladders:
            own[place] += gained[place]
            while own[place] >= goals[place]:
                passed = goals[place]
                steps.setdefault(session_id, []).append(Step(guid, _KEYS[place], passed, round_id, session_id))
                goals[place] = next((one for one in _THRESHOLDS[place] if one > passed), 1 << 62)
    return {guid: dict(zip(_KEYS, own, strict=True)) for guid, own in sums.items()}, steps


def _forms(sums: Sequence[SessionSums]) -> dict[str, list[SessionSums]]:
    forms: dict[str, list[SessionSums]] = {}
    for row in sums:
        own = forms.setdefault(row.player_guid, [])
        if own and own[-1].session_id == row.session_id:
            last = own[-1]
            own[-1] = last._replace(
                rounds=last.rounds + row.rounds,
                kills=last.kills + row.kills,
                deaths=last.deaths + row.deaths,
                damage_given=last.damage_given + row.damage_given,
                ended_at=max(last.ended_at, row.ended_at),
                time_played_seconds=last.time_played_seconds + row.time_played_seconds,
            )
        else:
            own.append(row)
    return forms


def _new_records(sums: Sequence[SessionSums]) -> dict[int, list[NewRecord]]:
    """Return the broken records of each session, compared with all rounds that ended before its first one."""
    within: dict[int, list[SessionSums]] = {}
    for row in sums:
        within.setdefault(row.session_id, []).append(row)
    first = {session_id: min(row.place for row in rows) for session_id, rows in within.items()}
    before: dict[str, Career] = {}
    records: dict[int, list[NewRecord]] = {}
    rows = iter(sums)
    pending = next(rows, None)
    for session_id in sorted(within, key=lambda session_id: (first[session_id], session_id)):
        while pending is not None and pending.place < first[session_id]:
            _add(before, pending.player_guid, pending)
            _add(before, _ALL_TIME, pending)
            pending = next(rows, None)
        own: dict[str, Career] = {}
        for row in within[session_id]:
            _add(own, row.player_guid, row)
        compared = {guid: before[guid] for guid in (*own, _ALL_TIME) if guid in before}
        records[session_id] = new_records(compared, own.values())
    return records


def _add(careers: dict[str, Career], guid: str, row: SessionSums) -> None:
    known = careers.get(guid)
    values = {key: getattr(row, key) for key in _BESTS}
    rounds = row.rounds
    if known is not None:
        values = {key: max(value, getattr(known, key)) for key, value in values.items()}
        rounds += known.rounds
    careers[guid] = Career(
        player_guid=guid, rounds=rounds, time_played_seconds=0, **dict.fromkeys(_KEYS[1:], 0), **values
    )
