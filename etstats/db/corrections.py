"""Read and write corrections and the player identities derived from them."""

from collections.abc import Collection
from typing import NamedTuple

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_column
from etstats.domain.rules.corrections import CorrectedState, Correction, Identity, corrected_state


class IdentityConflict(NamedTuple):
    """A GUID of a merged player in a round in which another GUID of the same person plays."""

    round_id: int
    player_guid: str


class IdentityChanges(NamedTuple):
    """The GUIDs whose person or display name changed, and the resulting conflicts."""

    guids: list[str]
    conflicts: list[IdentityConflict]


class PlayedConflict(NamedTuple):
    """A counted round in which two GUIDs of one person play; `players`: GUID and name of both."""

    round_id: int
    filename: str
    players: list[tuple[str, str]]


class NamedSeries(NamedTuple):
    """A series of a session, its first round as `SERVER/FILE`, and the names of team 1 and 2."""

    number: int
    subject: str
    name1: str
    name2: str


class ChangedRound(NamedTuple):
    """A round whose posts and pages change."""

    id: int
    gaming_session_id: int


def corrections(conn: Connection) -> list[Correction]:
    """Return all corrections, oldest first, including undone ones."""
    return fetch_all(conn, Correction, "corrections")


def state(conn: Connection) -> CorrectedState:
    """Return the state that results from the corrections in force."""
    return corrected_state(corrections(conn))


def add(conn: Connection, correction: Correction) -> None:
    """Store a correction under its number."""
    conn.execute(query("add_correction"), correction._asdict())


def undo(conn: Connection, number: int) -> None:
    """Mark a correction as undone."""
    conn.execute(query("undo_correction"), {"id": number})


def identities(conn: Connection) -> list[Identity]:
    """Return the stored identities, by GUID."""
    return fetch_all(conn, Identity, "identities")


def conflicts(conn: Connection) -> list[IdentityConflict]:
    """Return the stored conflicts."""
    return fetch_all(conn, IdentityConflict, "conflicts")


def derived_conflicts(conn: Connection) -> list[IdentityConflict]:
    """Compute the conflicts from the stored identities and rounds."""
    return fetch_all(conn, IdentityConflict, "derived_conflicts")


def store_identities(conn: Connection, wanted: Collection[Identity]) -> IdentityChanges:
    """Store the identities and the resulting conflicts; return what changed."""
    before = set(identities(conn))
    if before != set(wanted):
        parameters = {
            "guids": [row.player_guid for row in wanted],
            "persons": [row.identity_guid for row in wanted],
            "names": [row.display_name for row in wanted],
        }
        conn.execute(query("store_identities"), parameters)
    changed = {row.player_guid for row in before ^ set(wanted)}
    return IdentityChanges(
        guids=sorted(changed),
        conflicts=_store_conflicts(conn),
    )


def _store_conflicts(conn: Connection) -> list[IdentityConflict]:
    """Store the conflicts that result from the identities; return the new ones."""
    before, now = set(conflicts(conn)), set(derived_conflicts(conn))
    for name, rows in (("drop_conflicts", before - now), ("add_conflicts", now - before)):
        if rows:
            parameters = {"round_ids": [row.round_id for row in rows], "guids": [row.player_guid for row in rows]}
            conn.execute(query(name), parameters)
    return sorted(now - before)


def first_conflict(conn: Connection, among: Collection[IdentityConflict]) -> PlayedConflict | None:
    """Return the earliest of these conflicts in a round that counts, with time played by both GUIDs."""
    parameters = {"round_ids": [row.round_id for row in among]}
    row = conn.execute(query("played_conflicts"), parameters).fetchone()
    if row is None:
        return None
    round_id, filename, guids, names = row
    return PlayedConflict(round_id, filename, list(zip(guids, names, strict=True))[:2])


def touch_rounds(conn: Connection, guids: Collection[str]) -> list[ChangedRound]:
    """Mark the posts and pages about these players to be checked; return their rounds."""
    return fetch_all(conn, ChangedRound, "touch_rounds_of_guids", {"guids": list(guids)})


def series_of_session(conn: Connection, session_id: int) -> list[NamedSeries]:
    """Return the series of a session, in order."""
    return fetch_all(conn, NamedSeries, "series_named", {"session_id": session_id})


def touch_series(conn: Connection, subject: str) -> list[ChangedRound]:
    """Mark the posts and pages about the series of a round to be checked; return the rounds of the series."""
    return fetch_all(conn, ChangedRound, "touch_series", {"subject": subject})


def void_rounds(conn: Connection, wanted: CorrectedState) -> list[ChangedRound]:
    """Store which rounds corrections exclude; return those that changed."""
    parameters = {"maps": sorted(wanted.excluded_maps), "rounds": sorted(wanted.voided)}
    return fetch_all(conn, ChangedRound, "void_rounds", parameters)


def leave_old_messages(conn: Connection, session_ids: Collection[int]) -> None:
    """Do not edit the messages about these sessions that are older than 7 days."""
    conn.execute(query("leave_old_messages"), {"session_ids": list(session_ids)})


def recorded_names(conn: Connection, guids: Collection[str]) -> dict[str, str]:
    """Return the name under which each GUID was last seen, merged or not."""
    return dict(conn.execute(query("recorded_names"), {"guids": list(guids)}).fetchall())


def servers_of_rounds(conn: Connection, round_ids: Collection[int]) -> list[tuple[int, str]]:
    """Return the round number and the server of each of these rounds."""
    return [
        (number, server)
        for number, server in conn.execute(query("servers_of_rounds"), {"round_ids": list(round_ids)})
    ]


def subject_of_round(conn: Connection, round_id: int) -> str | None:
    """Return a round as `SERVER/FILE`; None: there is no such round."""
    found = fetch_column(conn, "subject_of_round", {"round_id": round_id})
    return found[0] if found else None
