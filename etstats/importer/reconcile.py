"""Recompute pairs, matches, gaming sessions and series of the rounds around a change of files.

    reconcile(window, changes) -> RoundChanges

The result depends only on the set of files, not on the order of their import. The code is pure: if rounds or
file contents are missing from the window, an error tells the caller what to load. Import (few files) and rebuild
(many files) use the same code, which processes only the rounds that a change can affect.
"""

from itertools import chain

from etstats.db.rounds import DerivedRound, Reassignment, RoundChanges
from etstats.importer.changed_rounds import ChangedRounds, FileChanges, NewIds
from etstats.importer.pairs import Pairs
from etstats.importer.round_window import RoundWindow
from etstats.importer.series_changes import SeriesChanges
from etstats.importer.session_groups import SessionGroups


def reconcile(window: RoundWindow, changes: FileChanges) -> RoundChanges:
    """Return the rows to write so that the rounds are consistent after a change.

    Of the window only the cached states of sessions are updated. Raises MissingRoundsError or MissingContentError
    if it lacks rounds or contents that are needed.
    """
    rounds = ChangedRounds(window, changes)
    pairs = Pairs(rounds)
    groups = SessionGroups(rounds, pairs, gap=changes.gap, ids=changes.ids.sessions)
    series = SeriesChanges(rounds, pairs, groups, changes.ids.series)
    for session in chain(groups.affected, changes.refreshed):
        series.add(session)
    return RoundChanges(
        server_id=changes.server_id,
        written=_rows(rounds, pairs, groups, series, changes.ids),
        moves=_moves(rounds, pairs, groups, series),
        dropped_files=sorted(rounds.removed),
        new_sessions=groups.new,
        dead_sessions=groups.dead(),
        series=series.changed,
        series_with_teams=series.with_teams,
        series_counts=series.counts,
        session_teams=series.session_teams,
    )


def _rows(
    rounds: ChangedRounds,
    pairs: Pairs,
    groups: SessionGroups,
    series: SeriesChanges,
    ids: NewIds,
) -> list[DerivedRound]:
    """Return the rows of the derived rounds; a new round gets a new id."""
    stored = rounds.window.rounds
    new_ids: dict[int, int] = {}

    def round_id(file_id: int) -> int:
        if file_id in stored:
            return stored[file_id].round_id
        if file_id not in new_ids:
            new_ids[file_id] = next(ids.rounds)
        return new_ids[file_id]

    rows = []
    for file_id, round_ in pairs.derived.items():
        round1 = pairs.round1(file_id)
        series_id, axis_team = series.series_of[file_id]
        rows.append(
            DerivedRound(
                round_id=round_id(file_id),
                is_stored=file_id in stored,
                file_id=file_id,
                ended_at=rounds.key(file_id).ended_at,
                match_id=pairs.match_id(file_id),
                round1_id=None if round1 is None else round_id(round1),
                session_id=groups.session_of[file_id],
                series_id=series_id,
                axis_team=axis_team,
                round=round_,
            )
        )
    return rows


def _moves(
    rounds: ChangedRounds, pairs: Pairs, groups: SessionGroups, series: SeriesChanges
) -> list[Reassignment]:
    """Return the stored rounds whose numbers are unchanged and whose session or series changes."""
    moves = []
    for file_id in sorted((groups.session_of.keys() | series.series_of.keys()) - pairs.derived.keys()):
        stored = rounds.window.rounds[file_id]
        session_id = groups.session_of.get(file_id, stored.gaming_session_id)
        series_id, axis_team = series.series_of.get(file_id, (stored.series_id, stored.axis_team))
        after = (session_id, series_id, axis_team)
        if after != (stored.gaming_session_id, stored.series_id, stored.axis_team):
            moves.append(
                Reassignment(
                    round_id=stored.round_id,
                    match_id=stored.match_id,
                    session_id=session_id,
                    series_id=series_id,
                    axis_team=axis_team,
                )
            )
    return moves
