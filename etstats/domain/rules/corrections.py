"""Apply an admin's corrections: merged players, display names, and rounds that do not count.

Corrections are replayed in their order, without undone ones. The result depends on nothing else, so that an
import, a rebuild and a restored backup get the same players.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class CorrectionKind(StrEnum):
    """The kind of a correction."""

    MERGE = "merge"
    SPLIT = "split"
    VOID = "void"
    UNVOID = "unvoid"
    RENAME = "rename"
    TEAM_NAME = "team_name"
    EXCLUDE_MAP = "exclude_map"
    INCLUDE_MAP = "include_map"


class Correction(NamedTuple):
    """A stored correction.

    `subject`: a GUID, a round as `SERVER/FILE`, a series by its first round, or a map. `value`: the target GUID of
    a merge, the name of a rename, or the number and name of a team.
    """

    id: int
    made_at: datetime
    kind: str
    subject: str
    value: str
    reason: str
    undone_at: datetime | None


class Identity(NamedTuple):
    """A GUID, the person's main GUID, and the person's display name."""

    player_guid: str
    identity_guid: str
    display_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedState:
    """The result of the corrections in force.

    `identities`: every GUID of a merged player (the main GUID too) -> the identity. `display_names`: by main GUID.
    `voided`: rounds as `SERVER/FILE`.
    """

    identities: Mapping[str, str]
    display_names: Mapping[str, str]
    voided: frozenset[str]
    excluded_maps: frozenset[str]

    def person(self, guid: str) -> str:
        """Return the main GUID of the person."""
        return self.identities.get(guid, guid)

    def guids(self, person: str) -> set[str]:
        """Return every GUID of a person."""
        return {person, *(guid for guid, identity in self.identities.items() if identity == person)}

    def persons(self, guids: Collection[str]) -> dict[str, str]:
        """Return the person of each GUID of a round; several GUIDs of one person are kept apart."""
        count = Counter(map(self.person, guids))
        return {guid: guid if count[self.person(guid)] > 1 else self.person(guid) for guid in guids}

    def rows(self) -> list[Identity]:
        """Return the GUIDs that were merged or whose person has a display name, sorted."""
        guids = self.identities.keys() | self.display_names.keys()
        persons = ((guid, self.person(guid)) for guid in sorted(guids))
        return [Identity(guid, person, self.display_names.get(person)) for guid, person in persons]


def corrected_state(corrections: Iterable[Correction]) -> CorrectedState:
    """Replay the corrections that are in force."""
    identities: dict[str, str] = {}
    display_names: dict[str, str] = {}
    voided: set[str] = set()
    excluded: set[str] = set()
    for made in sorted(in_force(corrections), key=lambda correction: correction.id):
        match made.kind:
            case CorrectionKind.MERGE:
                _merge(identities, made.subject, made.value)
            case CorrectionKind.SPLIT:
                _split(identities, made.subject)
            case CorrectionKind.RENAME:
                display_names[made.subject] = made.value
            case CorrectionKind.VOID:
                voided.add(made.subject)
            case CorrectionKind.UNVOID:
                voided.discard(made.subject)
            case CorrectionKind.EXCLUDE_MAP:
                excluded.add(made.subject)
            case CorrectionKind.INCLUDE_MAP:
                excluded.discard(made.subject)
    return CorrectedState(
        identities=identities,
        display_names=display_names,
        voided=frozenset(voided),
        excluded_maps=frozenset(excluded),
    )


def in_force(corrections: Iterable[Correction]) -> list[Correction]:
    """Return the corrections that were not undone."""
    return [correction for correction in corrections if correction.undone_at is None]


def touching(
    corrections: Iterable[Correction], guids: Collection[str], round_subject: str, map_name: str
) -> list[Correction]:
    """Return the corrections in force that concern a player (all GUIDs) or a round, oldest first.

    Of those that revoke each other (`void` and `unvoid`, several names) only the last one is in force.
    """
    found: dict[object, Correction] = {}
    for made in sorted(in_force(corrections), key=lambda correction: correction.id):
        match made.kind:
            case CorrectionKind.MERGE | CorrectionKind.SPLIT if {made.subject, made.value} & set(guids):
                found[made.id] = made
            case CorrectionKind.RENAME if made.subject in guids:
                found["name", made.subject] = made
            case CorrectionKind.VOID | CorrectionKind.UNVOID if made.subject == round_subject:
                found["round"] = made
            case CorrectionKind.EXCLUDE_MAP | CorrectionKind.INCLUDE_MAP if made.subject == map_name:
                found["map"] = made
    return sorted(found.values(), key=lambda correction: correction.id)


def _merge(identities: dict[str, str], guid: str, into: str) -> None:
    """Merge a person with all GUIDs into another one; do nothing if already merged."""
    old, new = identities.get(guid, guid), identities.get(into, into)
    if old == new:
        return
    for member in {old, *(other for other, person in identities.items() if person == old)}:
        identities[member] = new
    identities[new] = new


def _split(identities: dict[str, str], guid: str) -> None:
    """Separate a GUID from its person; separating the main GUID dissolves the merge."""
    person = identities.get(guid)
    if person is None:
        return
    members = [other for other, own in identities.items() if own == person]
    leaving = members if guid == person else [guid]
    for member in leaving:
        del identities[member]
    if len(members) - len(leaving) == 1:
        del identities[person]
