"""Any stored number back to the two file lines that it came from, with the rule that was applied."""

from collections.abc import Callable
from dataclasses import dataclass

from etstats.db import provenance
from etstats.db.connection import Connection, database_errors
from etstats.db.provenance import SourceFile
from etstats.domain.rounds import RawPlayer, RawRound
from etstats.domain.rules.suggestions import closest
from etstats.errors import NotFoundError
from etstats.parser.fields import WEAPONS
from etstats.parser.names import clean_name
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
    """One stored value, the values read for it, and how it followed; None: not stored, or no such line."""

    field: str
    unit: str
    stored: str | None
    read: str | None
    round1: str | None
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One player's numbers in one round, with their sources: the round's own line first."""

    round_id: int
    filename: str
    player_guid: str
    player_name: str
    rule: str
    sources: tuple[NumberSource, ...]
    numbers: tuple[Number, ...]


def explain(
    conn: Connection, round_id: int, player: str, field: str | None, guid_of: Callable[[str], str]
) -> Explanation:
    """Explain one field, one weapon, or everything of a player in a round.

    `player` is looked for among the names and GUIDs of the round's files; `guid_of` knows the rest of the names.
    NotFoundError: no such round, player in it, or field.
    """
    with database_errors(), conn.transaction():
        files = provenance.sources(conn, round_id)
        if not files:
            raise NotFoundError(f"There is no round {round_id}; see: etstats rounds")
        raws = [parse(f.filename, f.content) for f in files]
        guid = _guid(raws, player, guid_of)
        stored = provenance.stored_values(conn, round_id, guid)
    lines = [_line(raw, guid) for raw in raws]
    line, first = lines[0], lines[1] if len(lines) > 1 else None
    if line is None:
        raise NotFoundError(f"{player} has no line in {files[0].filename}: did not play that round")
    rule = rule_of(line, first, raws[0].name.round_number, has_round1=len(raws) > 1)
    return Explanation(
        round_id=round_id,
        filename=files[0].filename,
        player_guid=guid,
        player_name=line.name,
        rule=rule.value,
        sources=tuple(_source(f, player) for f, player in zip(files, lines, strict=True) if player),
        numbers=_numbers(line, first, rule, stored, field),
    )


def _guid(raws: list[RawRound], word: str, guid_of: Callable[[str], str]) -> str:
    """The player's GUID: by GUID, by name in the round's own file, then in round 1's, then by any name."""
    for raw in raws:
        guids = {p.guid for p in raw.players if p.guid == word.upper()}
        guids = guids or {p.guid for p in raw.players if clean_name(p.name).casefold() == word.casefold()}
        if len(guids) == 1:
            return guids.pop()
        if guids:
            raise NotFoundError(f"{word} is the name of several players of that round: {', '.join(sorted(guids))}")
    guid = guid_of(word)
    if not any(_line(raw, guid) for raw in raws):
        there = ", ".join(sorted(clean_name(p.name) for p in raws[0].players))
        raise NotFoundError(f"{word} ({guid}) is not in {raws[0].name.filename}; there are: {there}")
    return guid


def _line(raw: RawRound, guid: str) -> RawPlayer | None:
    return next((p for p in raw.players if p.guid == guid), None)


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
        f.field: Number(
            field=f.field, unit=f.unit, stored=stored.get(f.field), read=f.read, round1=f.round1, how=f.how
        )
        for f in formulas(line, first, rule)
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
        hint = f"near it: {', '.join(near)}" if near else "leave it out to see all there are"
        raise NotFoundError(f"There is no field {field}; {hint}")
    return (every[key],)
