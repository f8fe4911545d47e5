"""Store a correction and apply its effects in the same transaction.

The archive does not change. Effects: the identities of players, which rounds count, and the series and teams of
the affected sessions. The next `etstats post` edits posts.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from etstats.db import corrections as stored
from etstats.db import pending_posts
from etstats.db.connection import Connection
from etstats.domain.names import clean_name, visible_text
from etstats.domain.rules.corrections import Correction, CorrectionKind, corrected_state, in_force, touching
from etstats.domain.text import pluralize
from etstats.errors import ConfigError, NotFoundError
from etstats.importer.series import refresh_series

LONGEST_NAME = 36
"""Maximum length of a player's name in the game."""
LONGEST_TEAM_NAME = 24
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCorrection:
    """A new correction; `subject` and `value` as in `Correction`."""

    kind: CorrectionKind
    subject: str
    value: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionResult:
    """A correction that was made or undone, with the number of changed rounds and sessions.

    `rounds`: rounds that started or stopped counting, or whose players' names or GUIDs changed.
    """

    correction: Correction
    text: str
    rounds: int
    sessions: int

    @property
    def extent(self) -> str:
        """Return the number of changed rounds and sessions as text."""
        return (
            f"{pluralize(self.rounds, 'round')} in {pluralize(self.sessions, 'session')} "
            f"{'is' if self.rounds == 1 else 'are'} shown differently"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRow:
    """A correction in the history, with a sentence that describes it."""

    id: int
    made_at: datetime
    kind: str
    subject: str
    value: str
    reason: str
    undone_at: datetime | None
    text: str


def make(conn: Connection, wanted: NewCorrection, *, dry_run: bool = False) -> CorrectionResult:
    """Make a correction in one transaction; a dry run rolls it back.

    ConfigError, without changes: it has no effect, or would put one person twice into a round.
    """
    reason = visible_text(wanted.reason).strip()
    if len(reason) > LONGEST_REASON:
        raise ConfigError(f"the reason has {len(reason)} characters; at most {LONGEST_REASON} are allowed")
    with conn.transaction(force_rollback=dry_run):
        made = stored.corrections(conn)
        _refuse_without_effect(conn, made, wanted)
        # Not from the sequence, so that a refusal or a dry run does not use up a number.
        number = 1 + max((row.id for row in made), default=0)
        correction = Correction(
            id=number,
            made_at=datetime.now(UTC),
            kind=wanted.kind,
            subject=wanted.subject,
            value=wanted.value,
            reason=reason,
            undone_at=None,
        )
        stored.add(conn, correction)
        return _apply(conn, correction)


def named_team(conn: Connection, session_id: int, number: str, team: str, name: str) -> NewCorrection:
    """Return the correction that names a team of a session's series; without a number, of its only series.

    `team`: 1, 2 or the current name. NotFoundError: there is no such series or team; ConfigError: several series.
    """
    found = stored.series_of_session(conn, session_id)
    listed = ", ".join(f"{session_id}/{one.number} ({one.name1}, {one.name2})" for one in found)
    if not found:
        raise NotFoundError(f"session {session_id} has no series, so it has no teams to name")
    if not number and len(found) > 1:
        raise ConfigError(f"session {session_id} has {len(found)} series; give one of them: {listed}")
    series = next((one for one in found if str(one.number) == (number or "1")), None)
    if series is None:
        raise NotFoundError(f"there is no series {number} in session {session_id}; there are: {listed}")
    names = {"1": 1, "2": 2}
    names |= {present.casefold(): place for place, present in enumerate((series.name1, series.name2), 1)}
    place = names.get(team.strip().casefold())
    if place is None:
        raise NotFoundError(
            f"there is no team {team} in that series; there are: 1 ({series.name1}), 2 ({series.name2})"
        )
    others = (series.name2, series.name1)[place - 1]
    if name.casefold() == others.casefold():
        raise ConfigError(f"the other team of that series is named {others}; the two names must differ")
    return NewCorrection(kind=CorrectionKind.TEAM_NAME, subject=series.subject, value=f"{place} {name}")


def undo(conn: Connection, number: int | None, *, dry_run: bool = False) -> CorrectionResult:
    """Undo a correction, None: the newest in force; as `make`. NotFoundError: there is no such correction."""
    with conn.transaction(force_rollback=dry_run):
        made = {row.id: row for row in stored.corrections(conn)}
        if number is None:
            number = max((row.id for row in made.values() if row.undone_at is None), default=None)
        if number is None:
            raise NotFoundError("there is no correction to undo; list them with: etstats correct list")
        if number not in made:
            raise NotFoundError(f"there is no correction {number}; list them with: etstats correct list")
        if made[number].undone_at is not None:
            raise ConfigError(f"correction {number} is already undone; list them with: etstats correct list")
        stored.undo(conn, number)
        return _apply(conn, made[number])


def history(conn: Connection) -> list[CorrectionRow]:
    """Return all corrections, including undone ones, oldest first."""
    with conn.transaction():
        made = stored.corrections(conn)
        return [
            CorrectionRow(**row._asdict(), text=text) for row, text in zip(made, _texts(conn, made), strict=True)
        ]


def concerning(
    conn: Connection, made: Sequence[Correction], guids: Collection[str], round_id: int, map_name: str
) -> list[CorrectionRow]:
    """Return the corrections in force of a player (all GUIDs) or a round, in the caller's transaction."""
    found = touching(made, guids, stored.subject_of_round(conn, round_id) or "", map_name)
    return [
        CorrectionRow(**row._asdict(), text=text) for row, text in zip(found, _texts(conn, found), strict=True)
    ]


def valid_name(text: str, what: str, longest: int = LONGEST_NAME) -> str:
    """Return a name without colour codes; ConfigError if it is empty or too long."""
    name = clean_name(text)
    if not name:
        raise ConfigError(f'"{visible_text(text)}" is not a valid {what}; expected at least one visible character')
    if len(name) > longest:
        raise ConfigError(f"the {what} has {len(name)} characters; at most {longest} are allowed")
    if "^" in name:
        raise ConfigError(f'"{name}" is not a valid {what}; it must not contain ^, which sets a colour')
    return name


def _apply(conn: Connection, correction: Correction) -> CorrectionResult:
    """Apply the corrections in force to the database, after one was made or undone."""
    state = stored.state(conn)
    changes = stored.store_identities(conn, state.rows())
    if changes.conflicts and (found := stored.first_conflict(conn, changes.conflicts)) is not None:
        one, other = (f"{name} ({guid})" for guid, name in found.players)
        raise ConfigError(
            f"{one} and {other} both play in round {found.round_id} ({found.filename}), so they are two people; "
            f"if that round is wrong, void it first: etstats correct void {found.round_id}"
        )
    waiting = pending_posts.changed_sessions(conn).keys()
    touched = stored.touch_rounds(conn, changes.guids) if changes.guids else []
    voided = stored.void_rounds(conn, state)
    if correction.kind == CorrectionKind.TEAM_NAME:
        voided += stored.touch_series(conn, correction.subject)
    rounds = {*voided, *touched}
    sessions = sorted({row.gaming_session_id for row in rounds})
    refresh_series(conn, sessions)
    # A player who was merged or renamed may be in thousands of messages.
    concerned = {row.gaming_session_id for row in voided} | waiting
    stored.leave_old_messages(conn, [session for session in sessions if session not in concerned])
    return CorrectionResult(
        correction=correction, text=_texts(conn, [correction])[0], rounds=len(rounds), sessions=len(sessions)
    )


def concerns_the_same(made: Correction, wanted: NewCorrection) -> bool:
    """Return whether two corrections are of the same kind and about the same player, round, team or map."""
    is_team = wanted.kind == CorrectionKind.TEAM_NAME
    return (made.kind, made.subject) == (wanted.kind, wanted.subject) and not (
        is_team and made.value[:1] != wanted.value[:1]
    )


def _refuse_without_effect(conn: Connection, made: Sequence[Correction], wanted: NewCorrection) -> None:
    """Raise ConfigError if a correction would have no effect."""
    state, subject, value = corrected_state(made), wanted.subject, wanted.value
    last_value = next((row.value for row in reversed(in_force(made)) if concerns_the_same(row, wanted)), None)
    reasons: dict[CorrectionKind, Callable[[], str]] = {
        CorrectionKind.MERGE: lambda: (
            f"both names are those of one player, {_player(conn, value)}"
            if state.person(subject) == state.person(value)
            else ""
        ),
        CorrectionKind.SPLIT: lambda: (
            "" if subject in state.identities else f"{_player(conn, subject)} is not a merged player"
        ),
        CorrectionKind.VOID: lambda: f"{subject} is already voided" if subject in state.voided else "",
        CorrectionKind.UNVOID: lambda: "" if subject in state.voided else f"{subject} is not voided",
        CorrectionKind.RENAME: lambda: (
            f"{_player(conn, subject)} already has the display name {value}"
            if state.display_names.get(subject) == value
            else ""
        ),
        CorrectionKind.EXCLUDE_MAP: lambda: (
            f"{subject} is already excluded" if subject in state.excluded_maps else ""
        ),
        CorrectionKind.INCLUDE_MAP: lambda: "" if subject in state.excluded_maps else f"{subject} is not excluded",
        CorrectionKind.TEAM_NAME: lambda: f"the team is already named {value[2:]}" if last_value == value else "",
    }
    if reason := reasons[wanted.kind]():
        raise ConfigError(f"{reason}; list the corrections with: etstats correct list")


def _texts(conn: Connection, made: list[Correction]) -> list[str]:
    """Return a sentence for each correction, with the current names of the players."""
    players = {CorrectionKind.MERGE, CorrectionKind.SPLIT, CorrectionKind.RENAME}
    guids = {guid for row in made if row.kind in players for guid in (row.subject, row.value)}
    names = stored.recorded_names(conn, guids)

    def player(guid: str) -> str:
        return f"{names[guid]} ({guid})" if guid in names else guid

    texts = {
        CorrectionKind.MERGE: lambda row: f"{player(row.subject)} is {player(row.value)}",
        CorrectionKind.SPLIT: lambda row: f"{player(row.subject)} is a separate player",
        CorrectionKind.VOID: lambda row: f"round {row.subject} does not count",
        CorrectionKind.UNVOID: lambda row: f"round {row.subject} counts",
        CorrectionKind.RENAME: lambda row: f"{player(row.subject)} is shown as {row.value}",
        CorrectionKind.TEAM_NAME: lambda row: (
            f"team {row.value[:1]} of the series from {row.subject} on is named {row.value[2:]}"
        ),
        CorrectionKind.EXCLUDE_MAP: lambda row: f"rounds on {row.subject} do not count",
        CorrectionKind.INCLUDE_MAP: lambda row: f"rounds on {row.subject} count",
    }
    return [texts[CorrectionKind(row.kind)](row) for row in made]


def _player(conn: Connection, guid: str) -> str:
    name = stored.recorded_names(conn, [guid]).get(guid)
    return guid if name is None else f"{name} ({guid})"
