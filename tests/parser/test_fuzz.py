"""The parser with invalid input: it rejects a file or reads all of it."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from etstats.demo.generator import EVERYDAY, generate
from etstats.domain.names import clean_name, colour_runs
from etstats.domain.rounds import RawRound
from etstats.errors import ParseError
from etstats.parser.anomalies import find_anomalies
from etstats.parser.reader import parse
from etstats.parser.rounds import derive
from tests.support.files import File

EXAMPLES = int(os.environ.get("ETSTATS_EXAMPLES", "300"))
BOUNDED = settings(max_examples=EXAMPLES)


PIECES = [
    *rb"""OMNIBOT0\x\0\1\16 \ ^ -nan inf 21.0 -183.3 1.#IND -1 99999999999 1e9 nan 0000AAAA\x\0\1\ """.split(),
    b"",
    b"\n",
    b"\r\n",
    b"\t",
    b"\x00",
    b" ",
]


@cache
def samples() -> list[File]:
    """Generated files of every layout."""
    start = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
    return [
        File(file.name, file.content)
        for layout in (33, 36, 37, 38)
        for file in generate(
            layout,
            start=start,
            files=2,
            layout=layout,
            players=3,
            quirks=replace(EVERYDAY, bots=0.5, ninth_field=0.5),
        )
    ]


@st.composite
def mutated(draw: st.DrawFn) -> File:
    """A file with some bytes removed, inserted or replaced."""
    file = draw(st.sampled_from(samples()))
    content = bytearray(file.content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 2, 7, 60, 4000])))
        content[start:end] = draw(st.one_of(st.binary(max_size=6), st.sampled_from(PIECES)))
    return File(file.name, bytes(content))


def read(file: File) -> RawRound | None:
    """Return the parsed file, or None if rejected; other exceptions are errors."""
    try:
        return parse(file.name, file.content)
    except ParseError as error:
        refusal = error
    assert refusal.reason
    assert refusal.line <= file.content.count(b"\n") + 1
    return None


@BOUNDED
@given(file=mutated())
def test_mutated_file_is_rejected_or_parsed_completely(file: File) -> None:
    """Only ParseError is raised, and no round has fewer players than the file has lines."""
    raw = read(file)
    if raw is not None:
        lines = [text for text in file.content.split(b"\n") if text.strip(b"\r")]
        assert len(raw.players) + len(raw.bots) + len(raw.anonymous) == len(lines) - 1
        assert len({player.guid for player in raw.players}) == len(raw.players)


@BOUNDED
@given(file=mutated(), other=mutated())
def test_parsed_files_can_be_derived(file: File, other: File) -> None:
    """Any two parsed files give a round with correct sums and no negative number."""
    raw, round1 = read(file), read(other)
    for first in (None, round1):
        if raw is None:
            continue
        derived = derive(raw, first)
        list(find_anomalies(raw, first))
        for player in derived.players:
            assert (
                min(player.kills, player.deaths, player.gibs or 0, player.damage_given, player.time_played_seconds)
                >= 0
            )
            assert player.kills == sum(weapon.kills for weapon in player.weapons)
            assert all(weapon.headshots <= weapon.hits for weapon in player.weapons)
            assert player.time_played_percent is None or 0 <= player.time_played_percent <= 100
            assert player.bullets_fired >= player.shots


@BOUNDED
@given(cut=st.data())
def test_file_truncated_inside_a_line_is_rejected(cut: st.DataObject) -> None:
    """A file truncated inside a line is rejected."""
    file = cut.draw(st.sampled_from(samples()))
    length = cut.draw(st.integers(0, len(file.content) - 1))
    content = file.content[:length]
    if not content.endswith(b"\n"):
        assert read(File(file.name, content)) is None


@BOUNDED
@given(name=st.text(max_size=40))
def test_clean_name_keeps_printable_characters(name: str) -> None:
    """The joined runs of a name are the clean name, without control characters."""
    runs = colour_runs(name)
    joined = "".join(text for _, text in runs)
    assert joined.strip() == clean_name(name)
    assert all(char.isprintable() or char == "\u3000" or char.isspace() or ord(char) > 127 for char in joined)
    assert "\x1b" not in joined
    assert "\u202e" not in joined
