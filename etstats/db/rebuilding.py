"""Read the archived files in order with the rows stored for them, for `rebuild` and `verify`."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg.rows import class_row

from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.rounds import StoredRound
from etstats.db.series import StoredSeries, request_series_of_files
from etstats.db.statements import fetch_all
from etstats.domain.files import MAX_ROUND_BYTES
from etstats.domain.rounds import PlayerRound, Round, RoundName, WeaponStats


class ArchivedFileRef(NamedTuple):
    """An archived file, without its bytes.

    `shared_hash`: the hash of its content if another file has the same. `session_end`: the name of the last file
    of its round's gaming session. `refused`: it can be parsed, but the database rejects it. `is_cut`: it is larger
    than any round, and only its first bytes are archived.
    """

    id: int
    filename: str
    shared_hash: str | None
    source_mtime: int | None
    success: bool
    discarded: bool
    duplicate_of: int | None
    refused: bool
    is_cut: bool
    session_end: str | None


class FileVerdict(NamedTuple):
    """The result of parsing a file again: valid if there is no reason."""

    file_id: int
    reason: str | None = None
    line: int | None = None
    duplicate_of: int | None = None


class DerivedFacts(NamedTuple):
    """A stored round's columns, except those of its pairing, session and series."""

    filename: str
    config: str
    defender_team: int
    winner_team: int
    played_seconds: int | None
    duration_seconds: int | None
    held: str | None
    round_outcome: str
    is_cumulative: bool
    bots: int
    anonymous: int
    is_voided: bool
    has_enough_humans: bool
    is_repeat: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRound:
    """A stored round with its players, weapons, pairing, session and series.

    `players`: the fields of PlayerRound without weapons, by GUID. `weapons`: the values of WeaponStats, by GUID
    and name. Both are not decoded, because most rounds are only compared.
    """

    place: StoredRound
    facts: DerivedFacts
    players: tuple[tuple[Any, ...], ...]
    weapons: Mapping[str, list[tuple[Any, ...]]]

    @property
    def round(self) -> Round:
        """Return the stored round as a `Round`, with players sorted by GUID and weapons by name."""
        place, facts = self.place, self.facts._asdict()
        name = RoundName(
            stamp=place.stamp,
            map_name=place.map_name,
            round_number=place.round_number,
            filename=facts.pop("filename"),
        )
        return Round(
            name=name,
            time_limit_seconds=place.time_limit_seconds,
            actual_time_seconds=place.actual_time_seconds,
            players=tuple(self._player(row) for row in self.players),
            **facts,
        )

    def _player(self, row: tuple[Any, ...]) -> PlayerRound:
        guid, *_ = row
        weapons = tuple(map(WeaponStats._make, self.weapons.get(guid, ())))
        return PlayerRound._make((*row, weapons))


def servers(conn: Connection) -> list[tuple[int, str]]:
    """Return id and name of every server."""
    return [(number, name) for number, name in conn.execute(query("servers"))]


def count_files(conn: Connection) -> int:
    """Return the number of archived files."""
    row = conn.execute(query("count_files")).fetchone()
    return row[0] if row else 0


def files_in_order(conn: Connection, server_id: int) -> list[ArchivedFileRef]:
    """Yield the files of one server in the order of their names."""
    return fetch_all(
        conn, ArchivedFileRef, "archive_in_order", {"server_id": server_id, "max_round_bytes": MAX_ROUND_BYTES}
    )


class Stored:
    """The archived and the stored rows of some files; requested at once, fetched when needed.

    In a pipeline, the database works on one session while the previous one is processed.
    """

    def __init__(self, conn: Connection, files: Sequence[ArchivedFileRef]) -> None:
        ids = {"file_ids": [file.id for file in files]}
        kept = {"ids": [file.id for file in files if not file.discarded]}
        self._contents = conn.execute(query("contents_of_files"), kept)
        self._rounds = conn.cursor(row_factory=class_row(StoredRound)).execute(query("rounds_of_files"), ids)
        self._facts = conn.execute(query("round_details_of_files"), ids)
        self._players = conn.execute(query_with_columns("players_of_files"), ids)
        self._weapons = conn.execute(query_with_columns("weapons_of_files"), ids)
        self._series = request_series_of_files(conn, ids["file_ids"])
        self._session_teams = conn.execute(query("teams_of_files"), ids)

    def contents(self) -> dict[int, bytes]:
        """Return the archived bytes of the files that are not discarded; may be called once."""
        return dict(self._contents.fetchall())

    def rounds(self) -> dict[int, WholeRound]:
        """Return the stored rounds by file id; may be called once."""
        facts = {row[0]: DerivedFacts._make(row[1:]) for row in self._facts.fetchall()}
        players: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row in self._players.fetchall():
            players[row[0]].append(row[1:])
        weapons: dict[int, dict[str, list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
        for row in self._weapons.fetchall():
            weapons[row[0]][row[1]].append(row[2:])
        return {
            place.file_id: WholeRound(
                place=place,
                facts=facts[place.round_id],
                players=tuple(players[place.round_id]),
                weapons=weapons[place.round_id],
            )
            for place in self._rounds.fetchall()
        }

    def series(self) -> list[StoredSeries]:
        """Return the series of the files' sessions, in order; may be called once."""
        return self._series.fetchall()

    def session_teams(self) -> dict[int, dict[str, int]]:
        """Return the teams of the files' sessions, by session; may be called once."""
        found: dict[int, dict[str, int]] = defaultdict(dict)
        for session_id, guid, team in self._session_teams:
            found[session_id][guid] = team
        return found


def store_verdicts(conn: Connection, verdicts: Sequence[FileVerdict]) -> None:
    """Store the results of parsing files again."""
    parameters = {
        "ids": [verdict.file_id for verdict in verdicts],
        "reasons": [verdict.reason for verdict in verdicts],
        "lines": [verdict.line for verdict in verdicts],
        "duplicates": [verdict.duplicate_of for verdict in verdicts],
    }
    conn.execute(query("update_file_status"), parameters)


@contextmanager
def aliases_counted_once(conn: Connection) -> Iterator[None]:
    """Count the aliases at the end of the block instead of at each change; other writers wait for it."""
    conn.execute(query("disable_alias_triggers"))
    yield
    conn.execute(query("drop_empty_sessions"))
    conn.execute(query("drop_aliases"))
    conn.execute(query("count_aliases"))
    conn.execute(query("enable_alias_triggers"))


def replace_impossible_times(conn: Connection) -> None:
    """Replace impossible times of rounds, which Python may be unable to read, by those of the file names.

    The rebuild then corrects their zone.
    """
    conn.execute(query("replace_impossible_times"))
    conn.execute(query("drop_impossible_rating_changes"))


def check_constraints(conn: Connection) -> None:
    """Check the deferred constraints now instead of at the commit, to keep the queue of checks short."""
    conn.execute(query("check_constraints"))
    conn.execute(query("defer_constraints"))


def drop_rounds(conn: Connection, file_ids: Collection[int]) -> None:
    """Delete the rounds of these files."""
    conn.execute(query("drop_rounds"), {"file_ids": list(file_ids)})
