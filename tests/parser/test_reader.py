"""The parser: everything a whole file says, and every refusal with its line and reason."""

import re
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etstats.domain.rounds import RATIO, SHARE
from etstats.errors import ParseError
from etstats.parser.fields import CORE_FIELDS, FIELDS, LAYOUTS, WEAPONS, Field
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse
from etstats.parser.rounds import derive
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
    ("duration", "seconds"),
    [
        (None, None),
        ("293400", 293),
        ("293.4", 293),
        ("600", 600),
        ("10000", 10_000),
        ("10001", 10),
        ("600500", 600),
        ("0", None),
        ("-183.3", None),
        ("soon", None),
        ("nan", None),
        ("9" * 400, None),
    ],
)
def test_the_ninth_header_field(duration: str | None, seconds: int | None) -> None:
    """Up to 10,000 it is seconds, above milliseconds; zero, negative numbers and words are unknown."""
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
    """Bytes that are not UTF-8, and NUL, become replacement characters, and the file says so."""
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
    "cut in the header": (GOOD.content[:20], 1, "truncated"),
    "only a header": (GOOD.content.split(b"\n")[0] + b"\n", 0, "a header and no player"),
    "cut in a line": (GOOD.content[:-3], 3, "truncated"),
    "header too short": (b"a\\b\\c\n", 1, "a header has 8 or 9 fields, this one has 3"),
    "other map": (with_header(1, "radar"), 1, "the header says map 'radar', the file name supply"),
    "other round": (with_header(3, "2"), 1, "the header says round '2', the file name 1"),
    "defender": (with_header(4, "3"), 1, "defender team '3' is neither 1 nor 2"),
    "winner": (with_header(5, "x"), 1, "winner team 'x' is not 0, 1 or 2"),
    "limit": (with_header(6, "10"), 1, "time limit '10' is not M:SS"),
    "no TAB": (with_line("0000CCCC\\ann\\0\\1\\16 1 1 1 1 1 "), 3, "not a player line"),
    "backslash in a name": (with_line(line(GUIDS[2], "a\\b")), 3, "not a player line"),
    "GUID twice": (with_line(line()), 3, "GUID 0000AAAA is in line 2 too"),
    "team": (with_line(line(GUIDS[2], team=4)), 3, "team '4' is not 1, 2 or 3"),
    "weapons no numbers": (with_line(line(GUIDS[2]).replace("16 20", "16 2O")), 3, "are not numbers"),
    "a weapon number missing": (
        with_line(line(GUIDS[2]).replace("16 20 ", "16 ")),
        3,
        "weapon mask 16 asks for 5 numbers, the line has 4",
    ),
    "weapon sums too large": (
        with_line(line(GUIDS[2], weapons={"MP40": (0, 2**31 - 1, 1, 0, 0)})),
        3,
        "add up to 2147483648; expected at most 10000000",
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
    "a time no round could reach": (
        with_line(line(GUIDS[2], time_played_minutes=4e7)),
        3,
        "time_played_minutes '40000000.0'; expected 0 to 10000000",
    ),
    "damage no round could reach": (
        with_line(line(GUIDS[2], damage_given=10**7 + 1)),
        3,
        "damage_given '10000001'; expected 0 to 10000000",
    ),
    "mask too wide": (with_line(line(GUIDS[2]).replace("16 20", f"{1 << 64} 20")), 3, "more than 64 bits"),
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
        "2025-10-02-213000-.hidden-round-1.txt",
        "2025-10-02-213000-a\\b-round-1.txt",
        "2025-10-02-213000-a\u202eb-round-1.txt",
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


@pytest.mark.parametrize("map_name", ["[dark]-siege_beta", "a b", "a..b", "großer'\"platz", "地図", "x-round-1"])
def test_maps_have_any_printable_name(map_name: str) -> None:
    """Brackets, blanks, quotes and letters of any script are a map's name."""
    file = round_file(STAMP, map_name=map_name)
    assert parse(file.name, file.content).name.map_name == map_name


_SECONDARY = [f for f in FIELDS if f.name not in CORE_FIELDS and f.behaviour not in (RATIO, SHARE)]
_BAD_TEXTS = st.one_of(
    st.sampled_from(
        ["-nan", "inf", "-183.3", "1.#IND", "", "many", "7_7", "\u0667", "-1.5", "99999999999", "1e5"]
    ),
    st.text(st.characters(blacklist_characters="\t\\\r\n", blacklist_categories=["Cs"]), max_size=12),
)


@given(field=st.sampled_from(FIELDS), text=_BAD_TEXTS)
def test_a_bad_value_costs_only_itself(field: Field, text: str) -> None:
    """A secondary or recomputed value never refuses a file; an unreadable secondary one is named."""
    texts = line(GUIDS[2]).split("\t")
    texts[1 + FIELDS.index(field)] = text
    content = with_line("\t".join(texts))
    if field.name in CORE_FIELDS:
        with suppress(ParseError):
            assert getattr(parse(GOOD.name, content).players[1].fields, field.name) is not None
        return
    raw = parse(GOOD.name, content)
    value = getattr(raw.players[1].fields, field.name)
    assert value is None or -(10**7) <= value <= 10**7
    is_named = [(bad.line, bad.field) for bad in raw.unreadable] == [(3, field.name)]
    assert is_named == (value is None and field in _SECONDARY and field.name != "bullets_fired")


@pytest.mark.parametrize("text", ["21.0", "21.", "21.000"])
def test_a_whole_number_with_a_fraction_of_zero(text: str) -> None:
    """Lua 5.3 and later write 21 as 21.0, also among the weapon numbers and in the counter of rounds."""
    content = with_line(line(GUIDS[2], gibs=77).replace("\t77\t", f"\t{text}\t"))
    assert parse(GOOD.name, content).players[1].fields.gibs == 21
    floats = with_line(line(GUIDS[2]).replace("16 20 60", "16.0 20.0 60.0").replace("\\0\\1\\", "\\0.0\\1\\"))
    assert parse(GOOD.name, floats).players[1].weapons[0][1:3] == (20, 60)
    assert parse(GOOD.name, floats).players[1].rounds == 0


@pytest.mark.parametrize("more", [1, 3, 40])
def test_a_newer_layout_is_read_as_far_as_it_is_known(more: int) -> None:
    """More fields than 38: the known ones are read, and the file says how many there are."""
    raw = parse(GOOD.name, with_line(line(GUIDS[2], revives_given=4) + "\t7" * more))
    assert (raw.players[1].fields.revives_given, raw.extra_fields) == (4, more)


def test_an_unknown_weapon_is_named_by_its_bit() -> None:
    """A mask with a bit past the last known weapon."""
    raw = parse(GOOD.name, with_line(line(GUIDS[2]).replace("16 20 60", f"{1 << 30} 20 60")))
    assert [w.name for w in raw.players[1].weapons] == ["WEAPON_30"]


@given(guid=st.text(st.characters(blacklist_characters="\t\\\r\n", blacklist_categories=["Cs"]), max_size=12))
@example("OMNIBOT0")
@example("UNKNOWN")
@example("unknown")
@example("NO_GUID")
@example("")
def test_a_line_without_an_identity_is_no_player(guid: str) -> None:
    """Bots and players without a key are counted, several with one GUID too, and cost nobody the round."""
    raw = parse(GOOD.name, with_line(line(guid) + "\n" + line(guid)))
    if re.fullmatch("[0-9A-F]{8}", guid):
        return
    assert [player.guid for player in raw.players] == ["0000AAAA"]
    is_bot = guid.upper().startswith("OMNIBOT")
    assert (len(raw.bots), len(raw.anonymous)) == ((2, 0) if is_bot else (0, 2))


@pytest.mark.parametrize(
    ("humans", "bots", "is_counted"),
    [(1, 0, True), (2, 1, True), (2, 2, True), (2, 3, False), (1, 1, False), (0, 4, False)],
)
def test_a_round_of_bots_is_not_counted(humans: int, bots: int, is_counted: bool) -> None:
    """Not when bots outnumber humans, nor when a single human plays with bots."""
    lines = [line(guid) for guid in GUIDS[:humans]] + [line(f"OMNIBOT{n}") for n in range(bots)]
    file = round_file(STAMP, lines=lines)
    derived = derive(parse(file.name, file.content))
    assert (len(derived.players), derived.bots, derived.is_counted) == (humans, bots, is_counted)
