"""Find the file lines and the rule from which a stored number was computed."""

from collections.abc import Callable
from dataclasses import dataclass

from etstats.admin.correct import CorrectionRow, concerning
from etstats.db import corrections, provenance
from etstats.db.connection import Connection
from etstats.db.provenance import SourceFile
from etstats.domain.fields import WEAPONS
from etstats.domain.names import clean_name
from etstats.domain.rounds import RawPlayer, RawRound
from etstats.domain.rules.corrections import corrected_state
from etstats.domain.rules.suggestions import closest
from etstats.errors import NotFoundError
from etstats.parser.provenance import formulas
from etstats.parser.reader import parse
from etstats.parser.rounds import Rule, rule_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSource:
    """A player's line in an archived file; `line` counts from 1."""

    round_number: int
    filename: str
    file_hash: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A stored value, the values read for it, and the rule; None: not stored, or no such line."""

    field: str
    unit: str
    stored: str | None
    read: str | None
    round1: str | None
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A player's numbers in a round with their source lines, the line of that round first."""

    round_id: int
    filename: str
    player_guid: str
    player_name: str
    rule: str
    sources: tuple[NumberSource, ...]
    numbers: tuple[Number, ...]
    corrections: tuple[CorrectionRow, ...]
    """Corrections in force for the player or the round, oldest first."""


def explain(
    conn: Connection, round_id: int, player: str, field: str | None, guid_of: Callable[[str], str]
) -> Explanation:
    """Explain one field, one weapon, or everything of a player in a round.

    `player` is searched in the names and GUIDs of the round's files, then with `guid_of` in all names.
    NotFoundError: no such round, player in it, or field.
    """
    with conn.transaction():
        files = provenance.sources(conn, round_id)
        if not files:
            raise NotFoundError(f"There is no round {round_id}; see: etstats rounds")
        raws = [parse(file.filename, file.content) for file in files]
        made = corrections.corrections(conn)
        state = corrected_state(made)
        guid = _guid(raws, player, lambda name: state.guids(guid_of(name)))
        stored = provenance.stored_values(conn, round_id, guid)
        touching = concerning(conn, made, state.guids(state.person(guid)), round_id, raws[0].name.map_name)
    lines = [_line(raw, guid) for raw in raws]
    line, first = lines[0], lines[1] if len(lines) > 1 else None
    if line is None:
        raise NotFoundError(f"{player} has no line in {files[0].filename}: the player was not in that round")
    skips = raws[-1].name.round_number == 2
    rule = rule_of(line, first, raws[0].name.round_number, has_round1=len(raws) > 1, skips=skips)
    return Explanation(
        round_id=round_id,
        filename=files[0].filename,
        player_guid=guid,
        player_name=line.name,
        rule=rule.value,
        sources=tuple(_source(file, player) for file, player in zip(files, lines, strict=True) if player),
        numbers=_numbers(line, first, rule, stored, field),
        corrections=tuple(touching),
    )


def _guid(raws: list[RawRound], word: str, guids_of: Callable[[str], set[str]]) -> str:
    """Return the player's GUID: by GUID, by name in the file of the round, then of round 1, then by any name."""
    for raw in raws:
        guids = {player.guid for player in raw.players if player.guid == word.upper()}
        guids = guids or {
            player.guid for player in raw.players if clean_name(player.name).casefold() == word.casefold()
        }
        if len(guids) == 1:
            return guids.pop()
        if guids:
            raise NotFoundError(f"{word} is the name of several players of that round: {', '.join(sorted(guids))}")
    known = guids_of(word)
    own = sorted(guid for guid in known if any(_line(raw, guid) for raw in raws))
    if not own:
        there = ", ".join(sorted(clean_name(player.name) for player in raws[0].players))
        listed = ", ".join(sorted(known))
        raise NotFoundError(f"{word} ({listed}) is not in {raws[0].name.filename}; there are: {there}")
    if len(own) > 1:
        raise NotFoundError(f"{word} plays under several GUIDs in that round: {', '.join(own)}; name one of them")
    return own[0]


def _line(raw: RawRound, guid: str) -> RawPlayer | None:
    return next((player for player in raw.players if player.guid == guid), None)


def _source(file: SourceFile, player: RawPlayer) -> NumberSource:
    lines = file.content.decode(errors="replace").split("\n")
    return NumberSource(
        round_number=file.round_number,
        filename=file.filename,
        file_hash=file.file_hash,
        line=player.line,
        text=lines[player.line - 1].removesuffix("\r"),
    )


def _numbers(
    line: RawPlayer, first: RawPlayer | None, rule: Rule, stored: dict[str, str | None], field: str | None
) -> tuple[Number, ...]:
    every = {
        formula.field: Number(
            field=formula.field,
            unit=formula.unit,
            stored=stored.get(formula.field),
            read=formula.read,
            round1=formula.round1,
            how=formula.how,
        )
        for formula in formulas(line, first, rule)
    }
    if field is None:
        return tuple(number for name, number in every.items() if "." not in name)
    if field.upper() in WEAPONS:
        found = tuple(number for name, number in every.items() if name.startswith(f"{field.upper()}."))
        if not found:
            raise NotFoundError(f"{clean_name(line.name)} has no {field.upper()} in that round")
        return found
    weapon, dot, count = field.partition(".")
    key = f"{weapon.upper()}.{count.lower()}" if dot else field.lower()
    if key not in every:
        near = closest(field, every)
        hint = f"similar: {', '.join(near)}" if near else "omit it to see all fields"
        raise NotFoundError(f"There is no field {field}; {hint}")
    return (every[key],)
