"""Read the archived files and the stored row from which a number derives."""

from typing import NamedTuple

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all


class SourceFile(NamedTuple):
    """One archived file of a round."""

    round_number: int
    filename: str
    file_hash: str
    content: bytes


def sources(conn: Connection, round_id: int) -> list[SourceFile]:
    """Return the round's file and the file of the round 1 subtracted from it; empty for an unknown round."""
    return fetch_all(conn, SourceFile, "files_of_round", {"round_id": round_id})


def stored_values(conn: Connection, round_id: int, guid: str) -> dict[str, str | None]:
    """Return column -> value as text, `MP40.kills` for weapons; empty if the player is not in the round."""
    return dict(conn.execute(query("stored_values"), {"round_id": round_id, "guid": guid}).fetchall())
