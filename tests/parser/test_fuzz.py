"""The parser against what no game server ever wrote: it refuses or reads all of it, nothing in between."""

import os
from datetime import UTC, datetime
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from etstats.demo.generator import EVERYDAY, generate
from etstats.domain.rounds import RawRound
from etstats.errors import ParseError
from etstats.parser.anomalies import doubts
from etstats.parser.names import clean_name, colour_runs
from etstats.parser.reader import parse
from etstats.parser.rounds import derive
from tests.support.files import File

EXAMPLES = int(os.environ.get("ETSTATS_EXAMPLES", "300"))
BOUNDED = settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True)


PIECES = [*rb"""\ ^ -1 99999999999 1e9 nan 0000AAAA\x\0\1\ """.split(), b"", b"\n", b"\r\n", b"\t", b"\x00", b" "]


@cache
def samples() -> list[File]:
    """Invented files of every layout."""
    start = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
    return [
        File(f.name, f.content)
        for layout in (33, 36, 37, 38)
        for f in generate(layout, start=start, files=2, layout=layout, players=3, quirks=EVERYDAY)
    ]


@st.composite
def mutated(draw: st.DrawFn) -> File:
    """A file with some bytes cut out, put in, or replaced."""
    file = draw(st.sampled_from(samples()))
    content = bytearray(file.content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 2, 7, 60, 4000])))
        content[start:end] = draw(st.one_of(st.binary(max_size=6), st.sampled_from(PIECES)))
    return File(file.name, bytes(content))


def read(file: File) -> RawRound | None:
    """The file's content, or None for a refusal; anything else is a fault."""
    try:
        return parse(file.name, file.content)
    except ParseError as error:
        refusal = error
    assert refusal.reason
    assert refusal.line <= file.content.count(b"\n") + 1
    return None


@BOUNDED
@given(file=mutated())
def test_a_mutated_file_is_refused_or_read_whole(file: File) -> None:
    """Only ParseError comes out, and never a round with fewer players than the file has lines."""
    raw = read(file)
    if raw is not None:
        lines = [text for text in file.content.split(b"\n") if text.strip(b"\r")]
        assert len(raw.players) + len(raw.bots) + len(raw.anonymous) == len(lines) - 1
        assert len({p.guid for p in raw.players}) == len(raw.players)


@BOUNDED
@given(file=mutated(), other=mutated())
def test_whatever_is_read_can_be_derived(file: File, other: File) -> None:
    """Any two files that read give a round with no number below zero and every sum right, whoever is round 1."""
    raw, round1 = read(file), read(other)
    for first in (None, round1):
        if raw is None:
            continue
        derived = derive(raw, first)
        list(doubts(raw, first))
        for player in derived.players:
            assert (
                min(player.kills, player.deaths, player.gibs or 0, player.damage_given, player.time_played_seconds)
                >= 0
            )
            assert player.kills == sum(w.kills for w in player.weapons)
            assert all(w.headshots <= w.hits for w in player.weapons)
            assert player.time_played_percent is None or 0 <= player.time_played_percent <= 100
            assert player.bullets_fired >= player.shots


@BOUNDED
@given(cut=st.data())
def test_no_prefix_of_a_file_is_a_round_with_half_a_line(cut: st.DataObject) -> None:
    """However far the server has written, what ends inside a line is never stored."""
    file = cut.draw(st.sampled_from(samples()))
    length = cut.draw(st.integers(0, len(file.content) - 1))
    content = file.content[:length]
    if not content.endswith(b"\n"):
        assert read(File(file.name, content)) is None


@BOUNDED
@given(name=st.text(max_size=40))
def test_names_lose_their_colours_and_nothing_printable(name: str) -> None:
    """The runs of a name, joined, are the clean name; nothing that could act on a terminal is left in them."""
    runs = colour_runs(name)
    joined = "".join(text for _, text in runs)
    assert joined.strip() == clean_name(name)
    assert all(c.isprintable() or c == "\u3000" or c.isspace() or ord(c) > 127 for c in joined)
    assert "\x1b" not in joined
    assert "\u202e" not in joined
