"""Proof that what is stored is what the archive says: everything derived again, compared, nothing changed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from etstats.admin.audit.comparison import Difference, has_same_rows, round_differences
from etstats.admin.audit.rebuild import RebuildPlan, RebuiltSession, Seen, never_read, read_again
from etstats.db import players
from etstats.db.connection import Connection, database_errors
from etstats.db.players import Alias
from etstats.db.rounds import DerivedRound, RoundChanges
from etstats.domain.rounds import Round
from etstats.domain.text import pluralize
from etstats.importer.reconcile import Reconciler


@dataclass(slots=True)
class Verification:
    """What a comparison came to: every difference, and how many rows agree; owns the exit code."""

    differences: list[Difference] = field(default_factory=list)
    rows: int = 0

    @property
    def exit_code(self) -> int:
        """3 when anything differs."""
        return 3 if self.differences else 0

    def __str__(self) -> str:
        """One line."""
        if self.differences:
            return f"{len(self.differences):,} differences; etstats rebuild makes them good"
        return f"{pluralize(self.rows, 'row')} agree with the archive"


def verify(conn: Connection, plan: RebuildPlan, seen: Seen = lambda _done, _total: None) -> Verification:
    """Derive again and compare with what is stored; changes nothing.

    Aliases belong to all days at once and are compared only when no day is left out.
    """
    result = Verification()
    names: dict[tuple[str, str], Alias] = {}
    session_of: dict[int, object] = {}
    with database_errors(), conn.transaction(), conn.pipeline():
        for rebuilt in read_again(conn, plan, seen, with_refused=False):
            result.differences += _file_differences(rebuilt)
            there = Reconciler(rebuilt.server_id, plan.gap, never_read, count(-1, -1), count(-1, -1))
            derived = there.reconcile(rebuilt.arrivals)
            result.differences += _compare(rebuilt, derived)
            result.differences += _session_differences(rebuilt, derived, session_of)
            result.rows += sum(_rows(p.round) for p in derived.written) + len(derived.new_sessions)
            result.rows += sum(map(len, derived.lineups.values()))
            _count_names(names, derived.written)
        if plan.is_everything:
            result.differences += _alias_differences(names, players.aliases(conn))
            result.rows += len(names)
    return result


def _file_differences(rebuilt: RebuiltSession) -> Iterator[Difference]:
    files = {f.id: f for f in rebuilt.files}
    for verdict in rebuilt.changed:
        file = files[verdict.file_id]
        stored = ("good" if file.success else "in quarantine", file.duplicate_of)
        derived = ("good" if verdict.reason is None else verdict.reason, verdict.duplicate_of)
        for name, before, now in zip(("success", "duplicate_of"), stored, derived, strict=True):
            if before != now:
                yield Difference(
                    table="processed_files",
                    filename=file.filename,
                    player_guid=None,
                    field=name,
                    stored=str(before),
                    derived=str(now),
                )


def _compare(rebuilt: RebuiltSession, derived: RoundChanges) -> Iterator[Difference]:
    placed = {p.file_id: p for p in derived.written}
    file_of = {p.round_id: p.file_id for p in derived.written}
    stored_file_of = {w.place.round_id: file_id for file_id, w in rebuilt.stored.items()}
    names = {f.id: f.filename for f in rebuilt.files}
    for file_id in sorted(placed.keys() | rebuilt.stored.keys()):
        here, there = placed.get(file_id), rebuilt.stored.get(file_id)
        if here is None or there is None:
            yield _of_round(names[file_id], "file_id", "no row" if there is None else "stored",
                            "no round" if here is None else "in the archive")  # fmt: skip
            continue
        if not has_same_rows(there, here.round):
            yield from round_differences(there.round, here.round)
        round1 = None if here.round1_id is None else names[file_of[here.round1_id]]
        stored_round1 = names.get(stored_file_of.get(there.place.round1_id or 0, 0))
        for name, before, now in (
            ("ended_at", there.place.ended_at, here.ended_at),
            ("match_id", there.place.match_id, here.match_id),
            ("round1_id", stored_round1, round1),
        ):
            if before != now:
                yield _of_round(names[file_id], name, before, now)


def _session_differences(
    rebuilt: RebuiltSession, derived: RoundChanges, session_of: dict[int, object]
) -> Iterator[Difference]:
    """Session ids are only names: the same rounds must stand under one of them, and no others.

    `session_of`: the derived session, by an identity of its own, that each stored id was seen to stand for.
    """
    stand_for: dict[int, int] = {}
    for placed in derived.written:
        stored = rebuilt.stored.get(placed.file_id)
        if stored is None:
            continue
        session = stored.place.gaming_session_id
        own = (rebuilt.files[0].id, placed.session_id)
        expected = stand_for.setdefault(placed.session_id, session)
        if expected != session or session_of.setdefault(session, own) != own:
            expectation = f"session {expected}" if expected != session else "a session of its own"
            filename = placed.round.name.filename
            yield _of_round(filename, "gaming_session_id", f"session {session}", expectation)
    for derived_id, teams in derived.lineups.items():
        if derived_id not in stand_for:
            continue
        stored_teams = rebuilt.lineups.get(stand_for[derived_id], {})
        for guid in sorted(teams.keys() | stored_teams.keys()):
            before, now = stored_teams.get(guid), teams.get(guid)
            if before != now:
                yield Difference(
                    table="session_teams",
                    filename=None,
                    player_guid=guid,
                    field=f"team in session {stand_for[derived_id]}",
                    stored=str(before),
                    derived=str(now),
                )


def _count_names(names: dict[tuple[str, str], Alias], written: Iterable[DerivedRound]) -> None:
    for placed in written:
        for player in placed.round.players:
            key = (player.player_guid, player.clean_name)
            names[key] = _seen_again(names.get(key), key, placed.ended_at)


def _seen_again(alias: Alias | None, key: tuple[str, str], moment: datetime) -> Alias:
    if alias is None:
        return Alias(guid=key[0], alias=key[1], times_seen=1, first_seen=moment, last_seen=moment)
    return replace(
        alias,
        times_seen=alias.times_seen + 1,
        first_seen=min(alias.first_seen, moment),
        last_seen=max(alias.last_seen, moment),
    )


def _alias_differences(names: dict[tuple[str, str], Alias], stored: Iterable[Alias]) -> Iterator[Difference]:
    there = {(alias.guid, alias.alias): alias for alias in stored}
    for key in sorted(names.keys() | there.keys()):
        before, now = there.get(key), names.get(key)
        if before != now:
            yield Difference(
                table="player_aliases",
                filename=None,
                player_guid=key[0],
                field=key[1],
                stored=_in_words(before),
                derived=_in_words(now),
            )


def _in_words(alias: Alias | None) -> str:
    if alias is None:
        return "no row"
    return f"{alias.times_seen} times from {alias.first_seen} to {alias.last_seen}"


def _of_round(filename: str, name: str, stored: object, derived: object) -> Difference:
    return Difference(
        table="rounds",
        filename=filename,
        player_guid=None,
        field=name,
        stored=str(stored),
        derived=str(derived),
    )


def _rows(derived: Round) -> int:
    return 1 + len(derived.players) + sum(len(p.weapons) for p in derived.players)
