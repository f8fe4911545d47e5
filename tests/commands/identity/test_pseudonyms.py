"""Tests that anonymizing changes only the identity of a player in a file."""

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from etstats.demo.generator import generate
from etstats.parser.pseudonyms import guids, rewrite
from etstats.parser.reader import parse

START = datetime(2025, 10, 6, 20, 5)  # noqa: DTZ001 - the server's own clock
GUID = "0123ABCD"


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), layout=st.sampled_from([33, 36, 37, 38]), choice=st.integers(0, 100))
def test_anonymized_file_keeps_all_numbers(seed: int, layout: int, choice: int) -> None:
    """After parsing, one player has another GUID and name, at the same position with the same numbers."""
    (file,) = generate(seed, start=START, files=1, layout=layout, players=6)
    before = parse(file.name, file.content)
    one = before.players[choice % len(before.players)]
    after = parse(file.name, rewrite(file.content, {one.guid: (GUID, "nobody")}))
    assert after == before._replace(
        players=tuple(
            player._replace(guid=GUID, name="nobody") if player is one else player for player in before.players
        ),
    )


@settings(max_examples=300)
@given(
    parts=st.lists(
        st.one_of(st.binary(max_size=12), st.sampled_from([b"AAAAAAAA", b"\\", b"\n", b"\r\n", b"\t", b"^1"])),
        max_size=30,
    )
)
def test_no_line_starts_with_a_forgotten_guid(parts: list[bytes]) -> None:
    """Anonymizing twice equals once, and absent players are not added."""
    content = b"".join(parts)
    others = {"AAAAAAAA": ("BBBBBBBB", "nobody")}
    after = rewrite(content, others)
    assert "AAAAAAAA" not in guids(after)
    assert rewrite(after, others) == after
    if "AAAAAAAA" not in guids(content):
        assert after == content
