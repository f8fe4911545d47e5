"""The archive read in order, and what was stored of it: for deriving everything again and for comparing."""

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
from etstats.db.statements import fetch_all
from etstats.domain.files import MAX_ROUND_BYTES
from etstats.domain.rounds import PlayerRound, Round, RoundName, WeaponStats


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFileRef:
    """One archived file, without its bytes.

    `twin_hash`: of its content, where another file has the same. `session_end`: the name of the last file of the
    gaming session that its round is stored in. `refused`: it can be parsed, but the database rejects it.
    `is_cut`: it is larger than any round, and only its first bytes are archived.
    """

    id: int
    filename: str
    twin_hash: str | None
    source_mtime: int | None
    success: bool
    discarded: bool
    duplicate_of: int | None
    refused: bool
    is_cut: bool
    session_end: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """What a file turned out to be when it was read again: whole when there is no reason against it."""

    file_id: int
    reason: str | None = None
    line: int | None = None
    duplicate_of: int | None = None


class DerivedFacts(NamedTuple):
    """A stored round's own columns, but for those of its place."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRound:
    """A stored round with everything in it, in its place among the others.

    `players`: the fields of PlayerRound but the weapons, by GUID. `weapons`: by GUID the values of WeaponStats, by
    name. Both stay undecoded, because most rounds are only compared.
    """

    place: StoredRound
    facts: DerivedFacts
    players: tuple[tuple[Any, ...], ...]
    weapons: Mapping[str, list[tuple[Any, ...]]]

    @property
    def round(self) -> Round:
        """The same as it is derived: players by GUID, weapons by name."""
        place, facts = self.place, self.facts
        return Round(
            name=RoundName(
                stamp=place.stamp,
                map_name=place.map_name,
                round_number=place.round_number,
                filename=facts.filename,
            ),
            config=facts.config,
            defender_team=facts.defender_team,
            winner_team=facts.winner_team,
            time_limit_seconds=place.time_limit_seconds,
            actual_time_seconds=place.actual_time_seconds,
            played_seconds=facts.played_seconds,
            duration_seconds=facts.duration_seconds,
            held=facts.held,
            round_outcome=facts.round_outcome,
            is_cumulative=facts.is_cumulative,
            players=tuple(self._player(row) for row in self.players),
            bots=facts.bots,
            anonymous=facts.anonymous,
        )

    def _player(self, row: tuple[Any, ...]) -> PlayerRound:
        guid, *_ = row
        weapons = tuple(map(WeaponStats._make, self.weapons.get(guid, ())))
        return PlayerRound._make((*row, weapons))


def servers(conn: Connection) -> list[tuple[int, str]]:
    """Id and name of every server."""
    return [(number, name) for number, name in conn.execute(query("servers"))]


def count_files(conn: Connection) -> int:
    """How many files there are in the archive."""
    row = conn.execute(query("count_files")).fetchone()
    return row[0] if row else 0


def files_in_order(conn: Connection, server_id: int) -> list[ArchivedFileRef]:
    """The files of one server by name."""
    return fetch_all(
        conn, ArchivedFileRef, "archive_in_order", {"server_id": server_id, "max_round_bytes": MAX_ROUND_BYTES}
    )


class Stored:
    """The archive's and the database's rows of some files; requested now, awaited when needed.

    In a pipeline the database works on one session while the next one is read.
    """

    def __init__(self, conn: Connection, files: Sequence[ArchivedFileRef]) -> None:
        ids = {"file_ids": [f.id for f in files]}
        kept = {"ids": [f.id for f in files if not f.discarded]}
        self._contents = conn.execute(query("contents_of_files"), kept)
        self._rounds = conn.cursor(row_factory=class_row(StoredRound)).execute(query("rounds_of_files"), ids)
        self._facts = conn.execute(query("round_details_of_files"), ids)
        self._players = conn.execute(query_with_columns("players_of_files"), ids)
        self._weapons = conn.execute(query_with_columns("weapons_of_files"), ids)
        self._lineups = conn.execute(query("teams_of_files"), ids)

    def contents(self) -> dict[int, bytes]:
        """The archived bytes of the files that are not discarded; to be asked once."""
        return dict(self._contents.fetchall())

    def rounds(self) -> dict[int, WholeRound]:
        """Everything that is stored of the files, by file; to be asked once."""
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

    def lineups(self) -> dict[int, dict[str, int]]:
        """The line-ups of the sessions that the files' rounds are in, by session; to be asked once."""
        found: dict[int, dict[str, int]] = defaultdict(dict)
        for session_id, guid, team in self._lineups:
            found[session_id][guid] = team
        return found


def judge(conn: Connection, verdicts: Sequence[FileVerdict]) -> None:
    """Record what these files turned out to be."""
    parameters = {
        "ids": [v.file_id for v in verdicts],
        "reasons": [v.reason for v in verdicts],
        "lines": [v.line for v in verdicts],
        "duplicates": [v.duplicate_of for v in verdicts],
    }
    conn.execute(query("update_file_status"), parameters)


@contextmanager
def aliases_counted_once(conn: Connection) -> Iterator[None]:
    """Count the aliases when the block is done instead of at each change; writers of other runs wait for it."""
    conn.execute(query("disable_alias_triggers"))
    yield
    conn.execute(query("drop_empty_sessions"))
    conn.execute(query("drop_aliases"))
    conn.execute(query("count_aliases"))
    conn.execute(query("enable_alias_triggers"))


def check_constraints(conn: Connection) -> None:
    """Run the deferred constraints now instead of at the commit, so that the queue of checks stays short."""
    conn.execute(query("check_constraints"))
    conn.execute(query("defer_constraints"))


def drop_rounds(conn: Connection, file_ids: Collection[int]) -> None:
    """Take out the rounds of these files."""
    conn.execute(query("drop_rounds"), {"file_ids": list(file_ids)})
