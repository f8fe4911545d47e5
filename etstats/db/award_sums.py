"""Read how often each player won each award and was the MVP of a session or map."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from etstats.db import sessions as stored
from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.db.sealed import Cover, covered
from etstats.db.statements import fetch_all, fetch_column
from etstats.db.sums import AWARD_KEYS, LOWEST_AWARDS, MAP_MVP, MAPS, SESSION_MVP
from etstats.domain.rules import mvp
from etstats.domain.rules.awards import session_awards
from etstats.domain.stats import Performance
from etstats.domain.views import RoundRow

_OF_SESSIONS = tuple(key for key in AWARD_KEYS if key not in {MAP_MVP, MAPS})
_MVPS = (SESSION_MVP, MAP_MVP, MAPS)
_Played = Mapping[int, Sequence[Performance]]
_Rated = Mapping[int, Mapping[str, float]]


class AwardSum(NamedTuple):
    """How often a player won an award, with the best value; 0 for maps."""

    award: str
    player_guid: str
    times: int
    best: float


def total(parts: Iterable[AwardSum]) -> list[AwardSum]:
    """Combine the sums of several sessions or periods into one for each award and player."""
    found: dict[tuple[str, str], AwardSum] = {}
    for part in parts:
        key = part.award, part.player_guid
        best: Callable[..., float] = min if part.award in LOWEST_AWARDS else max
        before = found.get(key)
        found[key] = AwardSum(*key, before.times + part.times, best(before.best, part.best)) if before else part
    return list(found.values())


def of_scope(conn: Connection, scope: Scope, most: int | None = None) -> list[AwardSum]:
    """Return the awards and MVPs of the sessions with a round in scope; a session counts with all its rounds.

    `most`: of sealed periods only the players who took an award most often, this many for each award.
    """
    cover, parameters = covered(conn, scope)
    ids = list(dict.fromkeys(session_id for _, session_id in _open_rounds(conn, cover, parameters)))
    rounds = stored.rounds_of_sessions(conn, ids)
    return _with_sealed(conn, cover, _OF_SESSIONS, [*_awards(conn, ids), *_session_mvps(conn, rounds)], most)


def mvps_of_scope(conn: Connection, scope: Scope) -> list[AwardSum]:
    """Return the MVPs of the maps and sessions in scope; only the rounds in scope count."""
    cover, parameters = covered(conn, scope)
    rounds = stored.rounds(conn, [round_id for round_id, _ in _open_rounds(conn, cover, parameters)])
    return _with_sealed(conn, cover, _MVPS, _mvps(conn, rounds))


def of_sessions(conn: Connection, session_ids: Sequence[int]) -> Iterator[AwardSum]:
    """Yield the awards of these sessions to store in sealed periods."""
    yield from _awards(conn, session_ids)
    yield from _mvps(conn, stored.rounds_of_sessions(conn, session_ids))


def _with_sealed(
    conn: Connection, cover: Cover, awards: Collection[str], parts: Iterable[AwardSum], most: int | None = None
) -> list[AwardSum]:
    """Add the sums of sealed periods to these."""
    sums = total(parts)
    if not cover.sealed_ids:
        return sums
    parameters = {
        "sealed_ids": cover.sealed_ids,
        "awards": [key for key in AWARD_KEYS if key in awards],
        "most": most,
        **given(sums),
    }
    sql = partial(query_with_columns, only=frozenset(awards))
    return fetch_all(conn, AwardSum, "sealed_award_totals", parameters, sql=sql)


def arrays(sums: Iterable[AwardSum]) -> dict[str, tuple[list[int], list[float | None]]]:
    """Return how often each player won each award, and the best values, as in `sealed_awards`; by GUID."""
    found: dict[str, dict[str, AwardSum]] = defaultdict(dict)
    for one in total(sums):
        found[one.player_guid][one.award] = one
    return {
        guid: (
            [own[key].times if key in own else 0 for key in AWARD_KEYS],
            [own[key].best if key in own else None for key in AWARD_KEYS],
        )
        for guid, own in found.items()
    }


def given(sums: Iterable[AwardSum]) -> dict[str, object]:
    """Return the parameters of queries that add these sums to those of sealed periods."""
    rows = arrays(sums)
    return {
        "guids": list(rows),
        "times": [f"{{{','.join(map(str, times))}}}" for times, _ in rows.values()],
        "bests": [
            f"{{{','.join('NULL' if best is None else repr(best) for best in bests)}}}"
            for _, bests in rows.values()
        ],
    }


def _open_rounds(conn: Connection, cover: Cover, parameters: Mapping[str, object]) -> list[tuple[int, int]]:
    """Return the rounds in scope, with their sessions, that no sealed period counts awards of."""
    return conn.execute(cover.sql("open_rounds"), parameters).fetchall()


def _awards(conn: Connection, session_ids: Sequence[int]) -> Iterator[AwardSum]:
    for board in stored.scoreboards_of_sessions(conn, session_ids):
        for award in session_awards(board):
            for line in award.players:
                yield AwardSum(award.award.key, line.player_guid, 1, float(award.value))


def _session_mvps(conn: Connection, rounds: Sequence[RoundRow]) -> Iterator[AwardSum]:
    played = _played(conn, rounds)
    yield from _of_sessions(rounds, played, _rated(played), _hidden(conn))


def _mvps(conn: Connection, rounds: Sequence[RoundRow]) -> Iterator[AwardSum]:
    played, hidden = _played(conn, rounds), _hidden(conn)
    rated = _rated(played)
    yield from _of_sessions(rounds, played, rated, hidden)
    yield from _of_maps(rounds, played, rated, hidden)


def _of_sessions(
    rounds: Sequence[RoundRow], played: _Played, rated: _Rated, hidden: Collection[str]
) -> Iterator[AwardSum]:
    sessions = defaultdict(list)
    for round_ in rounds:
        sessions[round_.session_id].append(round_)
    for own in sessions.values():
        best = mvp.most_valuable(own, played, rated, hidden)
        if best is not None:
            yield AwardSum(SESSION_MVP, best.player_guid, 1, best.rating)


def _of_maps(
    rounds: Sequence[RoundRow], played: _Played, rated: _Rated, hidden: Collection[str]
) -> Iterator[AwardSum]:
    """Yield the MVPs of the maps that were played to their end: with round 2, or without stopwatch."""
    matches = defaultdict(list)
    for round_ in rounds:
        matches[round_.server_id, round_.match_id].append(round_)
    maps: Counter[str] = Counter()
    for own in matches.values():
        if any(round_.round_number == 2 or not round_.stopwatch for round_ in own):
            best = mvp.most_valuable(own, played, rated, hidden)
            if best is not None:
                yield AwardSum(MAP_MVP, best.player_guid, 1, 0.0)
            maps.update({player.player_guid for round_ in own for player in played[round_.id]})
    for guid, times in maps.items():
        yield AwardSum(MAPS, guid, times, 0.0)


def _played(conn: Connection, rounds: Sequence[RoundRow]) -> _Played:
    return stored.performances(conn, [round_.id for round_ in rounds])


def _rated(played: _Played) -> _Rated:
    return {round_id: mvp.round_ratings(players) for round_id, players in played.items()}


def _hidden(conn: Connection) -> set[str]:
    return set(fetch_column(conn, "hidden_guids"))
