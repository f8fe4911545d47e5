"""The result of corrections and undos: identities, names and excluded rounds."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.rules.corrections import Correction, CorrectionKind, Identity, corrected_state, touching
from etstats.domain.rules.identity_suggestions import SeenName, candidates

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C, D = ("AAAAAAAA", "BBBBBBBB", "CCCCCCCC", "DDDDDDDD")


def corrections_from(*rows: tuple[str, str, str], undone: tuple[int, ...] = ()) -> list[Correction]:
    """Corrections with the numbers 1, 2, ...; `undone`: the numbers of undone ones."""
    return [
        Correction(number, NOW, kind, subject, value, "", NOW if number in undone else None)
        for number, (kind, subject, value) in enumerate(rows, 1)
    ]


def test_chained_merges_are_one_player() -> None:
    """B into A, then A (with B) into C: all are C."""
    state = corrected_state(corrections_from(("merge", B, A), ("merge", A, C)))
    assert {state.person(guid) for guid in (A, B, C)} == {C}
    assert state.guids(C) == {A, B, C}
    assert state.person(D) == D


def test_undone_merge_keeps_later_ones() -> None:
    """D was merged into A; the merge of B into A is undone."""
    state = corrected_state(corrections_from(("merge", B, A), ("merge", D, A), undone=(1,)))
    assert (state.person(B), state.person(D)) == (B, A)


def test_circular_merge_has_no_effect() -> None:
    """B into A, B split, A into B; after the split is undone, B stays A."""
    rows = corrections_from(("merge", B, A), ("split", B, ""), ("merge", A, B), undone=(2,))
    state = corrected_state(rows)
    assert state.person(A) == state.person(B) == A


def test_split_of_the_main_guid_releases_all_others() -> None:
    """A is the main GUID of B and C."""
    merged = (("merge", B, A), ("merge", C, A))
    assert corrected_state(corrections_from(*merged, ("split", A, ""))).identities == {}
    assert corrected_state(corrections_from(*merged, ("split", B, ""))).identities == {A: A, C: A}


def test_last_name_of_the_person_counts() -> None:
    """B's name is not shown while B is merged into A, and returns after a split."""
    rows = (("rename", B, "bob"), ("rename", A, "al"), ("merge", B, A), ("rename", A, "alice"))
    assert corrected_state(corrections_from(*rows)).rows() == [Identity(A, A, "alice"), Identity(B, A, "alice")]
    assert corrected_state(corrections_from(*rows, undone=(4,))).rows() == [
        Identity(A, A, "al"),
        Identity(B, A, "al"),
    ]
    assert corrected_state(corrections_from(*rows, ("split", B, ""))).rows() == [
        Identity(A, A, "alice"),
        Identity(B, B, "bob"),
    ]


def test_guids_of_one_person_in_one_round_are_found() -> None:
    """C is another person and not affected."""
    state = corrected_state(corrections_from(("merge", B, A), ("merge", D, C)))
    assert state.persons([A, B, D]) == {A: A, B: B, D: C}


def test_voided_rounds_and_maps_are_excluded_until_undone() -> None:
    """By server and file, and by map."""
    rows = (("void", "main/x-round-1.txt", ""), ("exclude_map", "oasis", ""), ("unvoid", "main/x-round-1.txt", ""))
    state = corrected_state(corrections_from(*rows))
    assert not state.voided
    assert state.excluded_maps == {"oasis"}
    assert corrected_state(corrections_from(*rows, undone=(3,))).voided == {"main/x-round-1.txt"}


def test_touching_returns_the_corrections_in_force() -> None:
    """The last of several names, and no undone correction."""
    rows = corrections_from(
        ("merge", B, A), ("rename", A, "x"), ("rename", A, "y"), ("void", "m/f", ""), ("merge", D, C), undone=(4,)
    )
    assert [row.id for row in touching(rows, {A, B}, "m/f", "supply")] == [1, 3]


GUIDS = st.sampled_from([A, B, C, D])
ROWS = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), GUIDS, GUIDS),
        st.tuples(st.just("split"), GUIDS, st.just("")),
        st.tuples(st.just("rename"), GUIDS, st.sampled_from(["x", "y"])),
    ),
    max_size=12,
)


@given(ROWS, st.sets(st.integers(1, 12)))
def test_every_guid_has_one_person(rows: list[tuple[str, str, str]], undone: set[int]) -> None:
    """A main GUID is its own person, no person has only one GUID, and the list order does not matter."""
    history = corrections_from(*rows, undone=tuple(undone))
    state = corrected_state(history)
    assert corrected_state(history[::-1]) == state
    for guid, person in state.identities.items():
        assert state.identities[person] == person
        assert len(state.guids(person)) > 1
        assert guid in state.guids(person)


@given(ROWS, GUIDS, GUIDS)
def test_undo_restores_the_previous_state(rows: list[tuple[str, str, str]], one: str, other: str) -> None:
    """The last correction is undone."""
    before = corrected_state(corrections_from(*rows))
    after = corrected_state(corrections_from(*rows, ("merge", one, other), undone=(len(rows) + 1,)))
    assert after == before
    joined = corrected_state(corrections_from(*rows, ("merge", one, other)))
    assert joined.person(one) == joined.person(other)


def seen(guid: str, alias: str, first: int, last: int, times: int = 5) -> SeenName:
    """A name that was used from one day to another."""
    return SeenName(guid, alias, times, NOW + timedelta(days=first), NOW + timedelta(days=last))


def test_equal_names_with_other_decoration_are_a_pair() -> None:
    """The last seen player comes first; two similar names used at the same time are not a pair."""
    names = [seen(A, "-=Bob=-", 0, 10), seen(B, "bob", 20, 30), seen(C, "bobb", 0, 30), seen(D, "eve", 0, 30)]
    (pair,) = candidates(names)
    assert (pair.guid, pair.other_guid, pair.names) == (B, A, ("bob", "-=Bob=-"))
    assert pair.is_same_name
    assert pair.follows


def test_similar_names_need_a_succession() -> None:
    """A long pause or an overlap is not evidence."""
    assert [pair.follows for pair in candidates([seen(A, "kestrel", 0, 10), seen(B, "kestrell", 12, 30)])] == [
        True
    ]
    assert candidates([seen(A, "kestrel", 0, 10), seen(B, "kestrell", 80, 90)]) == []
    assert candidates([seen(A, "kestrel", 0, 10), seen(B, "kestrell", 5, 30)]) == []


def test_shared_tag_is_not_a_name() -> None:
    """The tag `omega` is removed from names, and is evidence alone only in a succession."""
    names = [
        seen(A, "omega.bob", 0, 10),
        seen(B, "bob", 0, 10),
        seen(C, "omega.eve", 0, 40),
        seen(D, "omega.max", 15, 40),
    ]
    found = {(pair.guid, pair.other_guid): pair.names for pair in candidates(names)}
    assert found == {(B, A): ("bob", "omega.bob"), (D, A): ("omega",)}


def test_name_without_letters_never_forms_a_pair() -> None:
    """Such names never form a pair."""
    assert candidates([seen(A, "?!*", 0, 1), seen(B, "?!*", 2, 3)]) == []


def test_name_of_many_players_is_not_evidence() -> None:
    """Thousands of players named ETPlayer are compared quickly, and never with each other."""
    guids = [f"{number:08X}" for number in range(3000)]
    assert candidates(seen(guid, "ETPlayer", at, at) for at, guid in enumerate(guids)) == []


def test_kinds_match_the_database() -> None:
    """The kinds are those of the check of `corrections.kind`."""
    assert [kind.value for kind in CorrectionKind] == [
        "merge", "split", "void", "unvoid", "rename", "team_name", "exclude_map", "include_map",
    ]  # fmt: skip
