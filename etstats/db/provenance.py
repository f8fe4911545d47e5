"""What a stored number came from: the archived files of its round, and the stored row."""

from dataclasses import dataclass

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One archived file of a round."""

    round_number: int
    filename: str
    file_hash: str
    content: bytes


def sources(conn: Connection, round_id: int) -> list[SourceFile]:
    """The round's own file, then its round 1's where it was split against one; none for an unknown round."""
    return fetch_all(conn, SourceFile, "files_of_round", {"round_id": round_id})


def stored_values(conn: Connection, round_id: int, guid: str) -> dict[str, str | None]:
    """Column -> value as text, `MP40.kills` for weapons; empty when the player has no row in the round."""
    return dict(conn.execute(query("stored_values"), {"round_id": round_id, "guid": guid}).fetchall())
