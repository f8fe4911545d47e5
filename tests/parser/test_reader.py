"""The parser: everything a whole file says, and every refusal with its line and reason."""

import pytest

from etstats.errors import ParseError
from etstats.parser.fields import FIELDS, LAYOUTS, WEAPONS
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse
from tests.support.files import GUIDS, File, line, round_file

STAMP = "2025-10-02-213000"
GOOD = round_file(STAMP)
NEW_IN = {
    "denied_playtime": 36,
    "useless_kills": 36,
    "full_selfkills": 36,
    "constructions": 37,
    "revives_given": 38,
}
"""The layout that has a field first."""


def with_line(text: str) -> bytes:
    """The good file with its second player's line replaced."""
    return b"\n".join([*GOOD.content.split(b"\n")[:2], text.encode(), b""])


def with_header(place: int, text: str) -> bytes:
    """The good file with one field of its header replaced."""
    head, _, rest = GOOD.content.partition(b"\n")
    fields = head.split(b"\\")
    fields[place] = text.encode()
    return b"\\".join(fields) + b"\n" + rest


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_told_by_its_count(layout: int) -> None:
    """Every field stands under its name, whatever its place; what the layout lacks is None, not 0."""
    values = {field.name: number for number, field in enumerate(FIELDS, 1)}
    fields = parse(GOOD.name, with_line(line(GUIDS[2], layout=layout, **values))).players[1].fields
    for name, value in values.items():
        assert getattr(fields, name) == (value if NEW_IN.get(name, 0) <= layout else None)


def test_all_weapons_are_read_from_the_mask() -> None:
    """28 weapons, five numbers each, low bit first."""
    weapons = {name: (5 * n + 4, 5 * n + 1, 5 * n + 2, 5 * n + 3, 5 * n) for n, name in enumerate(WEAPONS)}
    read = parse(GOOD.name, with_line(line(GUIDS[2], weapons=weapons))).players[1].weapons
    assert {w.name: tuple(w[1:]) for w in read} == weapons
    assert [w.name for w in read] == list(WEAPONS)


@pytest.mark.parametrize(
    ("duration", "seconds"), [(None, None), ("293400", 293), ("293.4", 293), ("0", 0), ("600500", 600)]
)
def test_the_ninth_header_field_is_milliseconds_or_seconds(duration: str | None, seconds: int | None) -> None:
    """The duration is in milliseconds, in seconds where it has a fraction, unknown where there is none."""
    assert parse(GOOD.name, round_file(STAMP, duration=duration).content).duration_seconds == seconds


def test_the_header() -> None:
    """Teams, times in seconds, 0:00 as unknown."""
    raw = parse(GOOD.name, round_file(STAMP, defender=2, winner=0, limit="12:34", actual="0:00").content)
    assert (raw.defender_team, raw.winner_team, raw.time_limit_seconds, raw.actual_time_seconds) == (
        2,
        0,
        754,
        None,
    )
    assert (raw.server_name, raw.config, raw.name.map_name) == ("^7The ^1Barn", "legacy3", "supply")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends(end: str) -> None:
    """A file reads the same with either line end, and with empty lines behind it."""
    content = round_file(STAMP, end=end).content
    assert parse(GOOD.name, content).players == parse(GOOD.name, content + end.encode()).players
    assert parse(GOOD.name, content).players == parse(GOOD.name, GOOD.content).players


def test_stray_bytes_do_not_stop_an_import() -> None:
    """Bytes that are no UTF-8, and NUL, become replacement characters, and the file says so."""
    raw = parse(GOOD.name, GOOD.content.replace(b"eve", b"e\xffv\0"))
    assert raw.had_bad_bytes
    assert raw.players[1].name == "e\ufffdv\ufffd"
    assert not parse(GOOD.name, GOOD.content).had_bad_bytes


@pytest.mark.parametrize("name", ["^^", "^/^?^.x", "@everyone", "[bold]", "a\u202eb", " ", "🎮" * 12, "^7"])
def test_names_are_kept_as_they_are(name: str) -> None:
    """Whatever printable or not stands in a name, it is read and kept raw."""
    assert parse(GOOD.name, with_line(line(GUIDS[2], name))).players[1].name == name


def test_xp_may_be_negative() -> None:
    """A loss of points is no fault; a negative count is one."""
    assert parse(GOOD.name, with_line(line(GUIDS[2], xp=-40))).players[1].fields.xp == -40


REFUSED = {
    "empty": (b"", 0, "empty file"),
    "cut in the header": (GOOD.content[:20], 1, "cut"),
    "only a header": (GOOD.content.split(b"\n")[0] + b"\n", 0, "a header and no player"),
    "cut in a line": (GOOD.content[:-3], 3, "cut"),
    "header too short": (b"a\\b\\c\n", 1, "a header has 8 or 9 fields, this one has 3"),
    "other map": (with_header(1, "radar"), 1, "the header says map 'radar', the file name supply"),
    "other round": (with_header(3, "2"), 1, "the header says round '2', the file name 1"),
    "defender": (with_header(4, "3"), 1, "defender team '3' is neither 1 nor 2"),
    "winner": (with_header(5, "x"), 1, "winner team 'x' is not 0, 1 or 2"),
    "limit": (with_header(6, "10"), 1, "time limit '10' is not M:SS"),
    "actual": (with_header(7, "4:60"), 1, "actual time '4:60' is not M:SS"),
    "duration": (with_header(7, "5:00\\soon"), 1, "duration 'soon' is not a number"),
    "no TAB": (with_line("0000CCCC\\ann\\0\\1\\16 1 1 1 1 1 "), 3, "not a player line"),
    "backslash in a name": (with_line(line(GUIDS[2], "a\\b")), 3, "not a player line"),
    "GUID": (with_line(line("0000cccc")), 3, "GUID '0000cccc' is not 8 upper-case hex digits"),
    "GUID twice": (with_line(line()), 3, "GUID 0000AAAA is in line 2 too"),
    "rounds": (with_line(line(GUIDS[2]).replace("\\0\\1\\", "\\x\\1\\")), 3, "rounds 'x' is not a number"),
    "team": (with_line(line(GUIDS[2], team=4)), 3, "team '4' is not 1, 2 or 3"),
    "weapons no numbers": (with_line(line(GUIDS[2]).replace("16 20", "16 2O")), 3, "are not numbers"),
    "mask too wide": (with_line(line(GUIDS[2]).replace("16 20", f"{1 << 28} 20")), 3, "bits past the last weapon"),
    "a weapon number missing": (
        with_line(line(GUIDS[2]).replace("16 20 ", "16 ")),
        3,
        "weapon mask 16 asks for 5 numbers, the line has 4",
    ),
    "weapon sums too large": (
        with_line(line(GUIDS[2], weapons={"MP40": (0, 2**31 - 1, 1, 0, 0)})),
        3,
        "add up to 2147483648: too large",
    ),
    "more headshots than hits": (
        with_line(line(GUIDS[2], weapons={"MP40": (3, 9, 0, 0, 4)})),
        3,
        "more headshots than hits with MP40",
    ),
    "35 fields": (
        with_line("\t".join(line(GUIDS[2]).split("\t")[:36])),
        3,
        "35 fields; a whole line has one of 33, 36, 37, 38",
    ),
    "39 fields": (with_line(line(GUIDS[2]) + "\t0"), 3, "39 fields"),
    "a word for a field": (
        with_line(line(GUIDS[2], gibs=77).replace("\t77\t", "\tmany\t")),
        3,
        "field 4 (gibs) 'many' is not a whole number",
    ),
    "a fraction for a count": (
        with_line(line(GUIDS[2], gibs=77).replace("\t77\t", "\t7.7\t")),
        3,
        "field 4 (gibs) '7.7' is not a whole number",
    ),
    "nan": (
        with_line(line(GUIDS[2], kd_ratio=7.7).replace("\t7.7\t", "\tnan\t")),
        3,
        "field 26 (kd_ratio) 'nan' is not a number",
    ),
    "an underscore": (with_line(line(GUIDS[2], gibs=77).replace("\t77\t", "\t7_7\t")), 3, "field 4 (gibs) '7_7'"),
    "other digits": (
        with_line(line(GUIDS[2], gibs=77).replace("\t77\t", "\t\u0667\t")),
        3,
        "field 4 (gibs) '\u0667'",
    ),
    "negative": (with_line(line(GUIDS[2], gibs=-1)), 3, "field 4 (gibs) -1 is out of range"),
    "too large": (with_line(line(GUIDS[2], gibs=2**31)), 3, "field 4 (gibs) 2147483648 is out of range"),
    "too long a time": (
        with_line(line(GUIDS[2], time_played_minutes=4e7)),
        3,
        "field 22 (time_played_minutes) 40000000.0 is out of range",
    ),
    "a blank line between": (GOOD.content.replace(b"\n0000BBBB", b"\n\n0000BBBB"), 3, "not a player line"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_refusal_names_line_and_reason(case: str) -> None:
    """What the game does not write is refused, never guessed: file, line and reason are said."""
    content, number, reason = REFUSED[case]
    with pytest.raises(ParseError) as refused:
        parse(GOOD.name, content)
    assert (refused.value.filename, refused.value.line) == (GOOD.name, number)
    assert reason in refused.value.reason
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "2025-10-02-213000-supply-round-1.txt.part",
        "2025-10-02-213000-supply-round-3.txt",
        "2025-10-02-213000-supply-round-1_ws.txt",
        "2025-10-02-213000-supply-round-1-endstats.txt",
        "2025-10-02-213000-supply-round-1_endstats.txt",
        "2025-13-02-213000-supply-round-1.txt",
        "2025-10-02-253000-supply-round-1.txt",
        "0001-01-01-000000-supply-round-1.txt",
        "9999-12-31-235959-supply-round-1.txt",
        "2025-10-02-213000-../../x-round-1.txt",
        "2025-10-02-213000-a..b-round-1.txt",
        "2025-10-02-213000-a b-round-1.txt",
        "2025-10-02-213000-a\0b-round-1.txt",
        "2025-10-02-213000-a\nb-round-1.txt",
        "2025-10-02-213000-supply-round-1.txt\n",
        "\u0662\u0660\u0662\u0665-10-02-213000-supply-round-1.txt",
        "2025-10-02-213000-" + "a" * 230 + "-round-1.txt",
        "2025-10-02-213000--round-1.txt",
        "",
    ],
)
def test_other_names_are_no_round_files(name: str) -> None:
    """Weapon dumps, awards, junk and names that could lead out of the folder are never taken."""
    assert parse_filename(name) is None
    with pytest.raises(ParseError):
        parse(name, GOOD.content)


@pytest.mark.parametrize("map_name", ["supply", "te_escape2", "etl_sp_delivery", "b4-1.2+x", "round-1"])
def test_map_names(map_name: str) -> None:
    """Letters, digits, `_`, `-`, `.` and `+` stand in map names, even what looks like a round."""
    name = parse_filename(f"{STAMP}-{map_name}-round-2.txt")
    assert name is not None
    assert (name.map_name, name.round_number, f"{name.stamp:%H%M%S}") == (map_name, 2, "213000")


def test_a_file_of_the_wrong_name_is_refused() -> None:
    """A file named outright is judged by its name too."""
    with pytest.raises(ParseError, match="not the name of a round file"):
        parse("notes.txt", GOOD.content)


def test_crlf_and_many_players() -> None:
    """64 players fit."""
    lines = [line(f"{n:08X}", f"p{n}") for n in range(64)]
    file: File = round_file(STAMP, lines=lines, end="\r\n")
    assert len(parse(file.name, file.content).players) == 64
