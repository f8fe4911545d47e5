"""Read and write the series of sessions with their teams, and read the rules for team names."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from psycopg import Cursor
from psycopg.rows import class_row

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_column
from etstats.domain.rounds import BotRounds
from etstats.domain.rules.series import NamingRules, Series


class StoredSeries(NamedTuple):
    """A series of a session; `players` are the GUIDs of team 1 and 2, in order."""

    session_id: int
    id: int
    number: int
    score1: int | None
    score2: int | None
    name1: str
    name2: str
    players1: list[str]
    players2: list[str]

    @staticmethod
    def of(found: Series, session_id: int, series_id: int) -> "StoredSeries":
        """Return the stored form of a series."""
        score1, score2 = found.score or (None, None)
        players = {
            number: sorted(guid for guid, team in found.team.items() if team == number) for number in (1, 2)
        }
        return StoredSeries(
            session_id, series_id, found.number, score1, score2, *found.names, players[1], players[2]
        )

    def has_teams_of(self, other: "StoredSeries | None") -> bool:
        """Return whether `other` has the same teams with the same names."""
        return other is not None and (self.names, self.team) == (other.names, other.team)

    @property
    def names(self) -> tuple[str, str]:
        """The names of team 1 and 2."""
        return self.name1, self.name2

    @property
    def score(self) -> tuple[int, int] | None:
        """The points of team 1 and 2; None while no match has a result."""
        return None if self.score1 is None or self.score2 is None else (self.score1, self.score2)

    @property
    def team(self) -> dict[str, int]:
        """The team of each GUID."""
        return dict.fromkeys(self.players1, 1) | dict.fromkeys(self.players2, 2)


class _NamingRow(NamedTuple):
    kind: str
    subject: str
    value: str
    team: int


def series_of_sessions(conn: Connection, session_ids: Sequence[int]) -> dict[int, list[StoredSeries]]:
    """Return the series of each of these sessions, in order."""
    found: dict[int, list[StoredSeries]] = {session_id: [] for session_id in session_ids}
    parameters = {"session_ids": list(session_ids), "file_ids": []}
    for one in fetch_all(conn, StoredSeries, "series_of_sessions", parameters):
        found[one.session_id].append(one)
    return found


def request_series_of_files(conn: Connection, file_ids: Sequence[int]) -> Cursor[StoredSeries]:
    """Request the series of the sessions of these files, for a pipeline."""
    cursor = conn.cursor(row_factory=class_row(StoredSeries))
    return cursor.execute(query("series_of_sessions"), {"session_ids": [], "file_ids": list(file_ids)})


def naming_rules(conn: Connection, server_id: int) -> NamingRules:
    """Return the rules for the team names of a server."""
    identities: dict[str, str] = {}
    display_names: dict[str, str] = {}
    hidden: set[str] = set()
    voided: set[str] = set()
    excluded_maps: set[str] = set()
    team_names: dict[tuple[str, int], str] = {}
    bot_rounds, stopwatch = BotRounds.HUMANS, True
    for row in fetch_all(conn, _NamingRow, "naming_rules", {"server_id": server_id}):
        match row.kind:
            case "identity":
                identities[row.subject] = row.value
            case "display_name":
                display_names[row.subject] = row.value
            case "hidden":
                hidden.add(row.subject)
            case "voided":
                voided.add(row.subject)
            case "excluded_map":
                excluded_maps.add(row.subject)
            case "bot_rounds":
                bot_rounds = BotRounds(row.subject)
            case "single_rounds":
                stopwatch = False
            case _:
                team_names[row.subject, row.team] = row.value
    return NamingRules(
        identities=identities,
        display_names=display_names,
        hidden=frozenset(hidden),
        team_names=team_names,
        voided=frozenset(voided),
        excluded_maps=frozenset(excluded_maps),
        bot_rounds=bot_rounds,
        stopwatch=stopwatch,
    )


def store_series(conn: Connection, changed: Sequence[StoredSeries], with_teams: Collection[int]) -> None:
    """Write series, and the teams of the series in `with_teams` (ids); no result is fetched."""
    if not changed:
        return
    teams = [
        (one.id, team, name, guid)
        for one in changed
        if one.id in with_teams
        for team, name, guids in ((1, one.name1, one.players1), (2, one.name2, one.players2))
        for guid in guids
    ]
    columns: Sequence[Sequence[object]] = list(zip(*teams, strict=True)) or [(), (), (), ()]
    series = {
        "ids": [one.id for one in changed],
        "session_ids": [one.session_id for one in changed],
        "numbers": [one.number for one in changed],
        "scores1": [one.score1 for one in changed],
        "scores2": [one.score2 for one in changed],
    }
    conn.execute(query("store_series"), series)
    if not with_teams:
        return
    conn.execute(query("drop_series_teams"), {"series_ids": sorted(with_teams)})
    named = zip(("series_ids", "teams", "names", "guids"), map(list, columns), strict=True)
    conn.execute(query("add_series_teams"), dict(named))


def drop_series_after(conn: Connection, counts: Mapping[int, int]) -> None:
    """Delete series of sessions that have fewer than before; `counts`: the new number by session."""
    if counts:
        conn.execute(query("drop_series_after"), {"session_ids": list(counts), "counts": list(counts.values())})


def mark_changed(conn: Connection, session_ids: Sequence[int]) -> None:
    """Mark the posts of these sessions to be checked, after their team names changed."""
    conn.execute(query("mark_sessions_changed"), {"session_ids": list(session_ids)})


def sessions_of_players(conn: Connection, guids: Sequence[str]) -> list[int]:
    """Return the sessions in which these players played, under any of their GUIDs."""
    return fetch_column(conn, "sessions_of_players", {"guids": list(guids)})
