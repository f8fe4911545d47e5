"""Derive all rows again from the archive and compare them with the stored rows, without changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from etstats.admin.audit.archived_sessions import Progress, RebuildPlan, RebuiltSession, read_again
from etstats.admin.audit.comparison import Difference, has_same_rows, round_differences
from etstats.db import corrections, players, sealing
from etstats.db.connection import Connection
from etstats.db.players import Alias
from etstats.db.rounds import DerivedRound, RoundChanges
from etstats.db.sealing import SealedDifference
from etstats.domain.rounds import Round
from etstats.domain.text import pluralize
from etstats.importer.changed_rounds import NewIds
from etstats.stats import ratings
from etstats.stats.ratings import RatingDifference


@dataclass(slots=True)
class Verification:
    """Result of a comparison: all differences, the number of equal rows, and the exit code."""

    differences: list[Difference] = field(default_factory=list)
    rows: int = 0

    @property
    def exit_code(self) -> int:
        """Return 3 if anything differs, else 0."""
        return 3 if self.differences else 0

    def __str__(self) -> str:
        """One line."""
        if self.differences:
            return f"{len(self.differences):,} differences; repair them with: etstats rebuild"
        return f"{pluralize(self.rows, 'row')} agree with the archive"


def verify(conn: Connection, plan: RebuildPlan, progress: Progress = lambda _done, _total: None) -> Verification:
    """Derive all rows and compare them with the stored rows; changes nothing.

    Aliases, identities, ratings and sealed periods depend on all days and are compared only if all are included.
    """
    result = Verification()
    names: dict[tuple[str, str], Alias] = {}
    session_of: dict[int, object] = {}
    with conn.transaction(), conn.pipeline():
        for rebuilt in read_again(conn, plan, progress, with_refused=False):
            result.differences += _file_differences(rebuilt)
            derived = rebuilt.reconcile(plan.gap, NewIds(*(count(-1, -1) for _ in range(3))), is_empty=True)
            result.differences += _compare(rebuilt, derived)
            result.differences += _session_differences(rebuilt, derived, session_of)
            result.rows += sum(_rows(written.round) for written in derived.written) + len(derived.new_sessions)
            result.rows += sum(map(len, derived.session_teams.values()))
            result.rows += sum(1 + len(one.players1) + len(one.players2) for one in derived.series)
            _count_names(names, derived.written)
        if plan.is_everything:
            result.differences += _alias_differences(names, players.recorded_aliases(conn))
            result.rows += len(names)
            result.differences += _identity_differences(conn)
    if plan.is_everything:
        with conn.transaction():
            result.differences += map(_rating_difference, ratings.differences(conn))
            result.differences += map(_sealed_difference, sealing.differences(conn))
    return result


def _file_differences(rebuilt: RebuiltSession) -> Iterator[Difference]:
    files = {file.id: file for file in rebuilt.files}
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
    placed = {written.file_id: written for written in derived.written}
    file_of = {written.round_id: written.file_id for written in derived.written}
    stored_file_of = {stored.place.round_id: file_id for file_id, stored in rebuilt.stored.items()}
    names = {file.id: file.filename for file in rebuilt.files}
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
            ("axis_team", there.place.axis_team, here.axis_team),
        ):
            if before != now:
                yield _of_round(names[file_id], name, before, now)


def _session_differences(
    rebuilt: RebuiltSession, derived: RoundChanges, session_of: dict[int, object]
) -> Iterator[Difference]:
    """Compare sessions by their rounds: exactly the rounds of a derived session must share a session id.

    `session_of`: stored session id -> derived session id, of the sessions so far.
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
            expectation = f"session {expected}" if expected != session else "a separate session"
            filename = placed.round.name.filename
            yield _of_round(filename, "gaming_session_id", f"session {session}", expectation)
    yield from _series_differences(rebuilt, derived, stand_for)
    for derived_id, teams in derived.session_teams.items():
        if derived_id not in stand_for:
            continue
        stored_teams = rebuilt.session_teams.get(stand_for[derived_id], {})
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


def _series_differences(
    rebuilt: RebuiltSession, derived: RoundChanges, stand_for: dict[int, int]
) -> Iterator[Difference]:
    """Compare series by session and number, not by id: points, teams and rounds must be equal."""
    stored = {(one.session_id, one.number): one for one in rebuilt.series}
    derived_series = {
        (stand_for[one.session_id], one.number): one for one in derived.series if one.session_id in stand_for
    }
    for session_id, number in sorted(stored.keys() | derived_series.keys()):
        before, now = stored.get((session_id, number)), derived_series.get((session_id, number))
        for name in ("score", "names", "players1", "players2"):
            values = [None if one is None else getattr(one, name) for one in (before, now)]
            if values[0] != values[1]:
                yield Difference(
                    table="series",
                    filename=None,
                    player_guid=None,
                    field=f"{name} of series {number} in session {session_id}",
                    stored="no row" if before is None else str(values[0]),
                    derived="no row" if now is None else str(values[1]),
                )
    number_of = {one.id: one.number for one in (*rebuilt.series, *derived.series)}
    for placed in derived.written:
        whole = rebuilt.stored.get(placed.file_id)
        if whole is None:
            continue
        numbers = [number_of.get(series_id or 0) for series_id in (whole.place.series_id, placed.series_id)]
        if numbers[0] != numbers[1]:
            yield _of_round(
                placed.round.name.filename, "series_id", f"series {numbers[0]}", f"series {numbers[1]}"
            )


def _count_names(names: dict[tuple[str, str], Alias], written: Iterable[DerivedRound]) -> None:
    for placed in written:
        for player in placed.round.players:
            key = (player.player_guid, player.clean_name)
            names[key] = _seen_again(names.get(key), key, placed.ended_at)


def _seen_again(alias: Alias | None, key: tuple[str, str], moment: datetime) -> Alias:
    if alias is None:
        return Alias(guid=key[0], alias=key[1], times_seen=1, first_seen=moment, last_seen=moment)
    return alias._replace(
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


def _identity_differences(conn: Connection) -> Iterator[Difference]:
    """Compare the identities with the corrections, and the conflicts with the identities."""
    wanted = {row.player_guid: row for row in corrections.state(conn).rows()}
    stored = {row.player_guid: row for row in corrections.identities(conn)}
    for guid in sorted(wanted.keys() | stored.keys()):
        before, now = (
            "no row" if row is None else f"{row.identity_guid}, name {row.display_name or 'of the last round'}"
            for row in (stored.get(guid), wanted.get(guid))
        )
        if before != now:
            yield Difference(
                table="player_identities",
                filename=None,
                player_guid=guid,
                field="identity_guid, display_name",
                stored=before,
                derived=now,
            )
    there, derived = set(corrections.conflicts(conn)), set(corrections.derived_conflicts(conn))
    for conflict in sorted(there ^ derived):
        yield Difference(
            table="identity_conflicts",
            filename=None,
            player_guid=conflict.player_guid,
            field=f"round {conflict.round_id}",
            stored="a row" if conflict in there else "no row",
            derived="a row" if conflict in derived else "no row",
        )


def _sealed_difference(found: SealedDifference) -> Difference:
    return Difference(
        table=found.table,
        filename=None,
        player_guid=None,
        field=f"sums of {found.period}",
        stored=f"{pluralize(found.rows, 'row')} differ",
        derived="the sums of its rounds",
    )


def _rating_difference(found: RatingDifference) -> Difference:
    row = found.derived or found.stored
    assert row is not None  # noqa: S101  # at least one of the two exists
    stored, derived = (
        "no row" if one is None else f"{one.mu:.6f} ± {one.sigma:.6f}, place {one.position}"
        for one in (found.stored, found.derived)
    )
    return Difference(
        table="player_ratings",
        filename=None,
        player_guid=row.identity_guid,
        field=f"rating after {row.match_id}",
        stored=stored,
        derived=derived,
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
    return 1 + len(derived.players) + sum(len(player.weapons) for player in derived.players)
