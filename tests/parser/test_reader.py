"""The parser: all values of a valid file, and each rejection with line and reason."""

import re
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etstats.domain.fields import CORE_FIELDS, FIELDS, LAYOUTS, WEAPONS, Field
from etstats.domain.rounds import ALLIES, RATIO, SHARE, SPECTATOR
from etstats.errors import ParseError
from etstats.parser.filename import has_round_ending, is_companion, parse_filename, refusal_of
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
    """The valid file with its second player's line replaced."""
    return b"\n".join([*GOOD.content.split(b"\n")[:2], text.encode(), b""])


def with_header(place: int, text: str) -> bytes:
    """The valid file with one header field replaced."""
    head, _, rest = GOOD.content.partition(b"\n")
    fields = head.split(b"\\")
    fields[place] = text.encode()
    return b"\\".join(fields) + b"\n" + rest


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_is_detected_by_field_count(layout: int) -> None:
    """Every field is read under its name; a field missing in the layout is None, not 0."""
    values = {field.name: number for number, field in enumerate(FIELDS, 1)}
    fields = parse(GOOD.name, with_line(line(GUIDS[2], layout=layout, **values))).players[1].fields
    for name, value in values.items():
        assert getattr(fields, name) == (value if NEW_IN.get(name, 0) <= layout else None)


def test_weapons_are_read_from_the_mask() -> None:
    """28 weapons with five numbers each, low bit first."""
    weapons = {
        name: (5 * index + 4, 5 * index + 1, 5 * index + 2, 5 * index + 3, 5 * index)
        for index, name in enumerate(WEAPONS)
    }
    read = parse(GOOD.name, with_line(line(GUIDS[2], weapons=weapons))).players[1].weapons
    assert {weapon.name: tuple(weapon[1:]) for weapon in read} == weapons
    assert [weapon.name for weapon in read] == list(WEAPONS)


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
def test_ninth_header_field_is_a_duration(duration: str | None, seconds: int | None) -> None:
    """Up to 10,000 it is seconds, above milliseconds; zero, negative numbers and words are None."""
    assert parse(GOOD.name, round_file(STAMP, duration=duration).content).duration_seconds == seconds


def test_later_header_fields_are_ignored() -> None:
    """Fields after the ninth are accepted and ignored."""
    header, rest = GOOD.content.split(b"\n", 1)
    raw = parse(GOOD.name, b"\\".join([header, b"600", b"x", b""]) + b"\n" + rest)
    assert (raw.duration_seconds, raw.players) == (600, parse(GOOD.name, GOOD.content).players)


def test_header_is_parsed() -> None:
    """Teams, times in seconds, 0:00 as None."""
    raw = parse(GOOD.name, round_file(STAMP, defender=2, winner=0, limit="12:34", actual="0:00").content)
    assert (raw.defender_team, raw.winner_team, raw.time_limit_seconds, raw.actual_time_seconds) == (
        2,
        0,
        754,
        None,
    )
    assert (raw.server_name, raw.config, raw.name.map_name) == ("^7The ^1Barn", "legacy3", "supply")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_line_ends_are_accepted(end: str) -> None:
    """A file is parsed equally with both line ends, and with empty lines at its end."""
    content = round_file(STAMP, end=end).content
    assert parse(GOOD.name, content).players == parse(GOOD.name, content + end.encode()).players
    assert parse(GOOD.name, content).players == parse(GOOD.name, GOOD.content).players


def test_invalid_bytes_are_replaced_and_flagged() -> None:
    """Invalid UTF-8 and NUL become replacement characters, and the file is flagged."""
    raw = parse(GOOD.name, GOOD.content.replace(b"eve", b"e\xffv\0"))
    assert raw.had_bad_bytes
    assert raw.players[1].name == "e\ufffdv\ufffd"
    assert not parse(GOOD.name, GOOD.content).had_bad_bytes


@pytest.mark.parametrize("name", ["^^", "^/^?^.x", "@everyone", "[bold]", "a\u202eb", " ", "🎮" * 12, "^7"])
def test_names_are_stored_raw(name: str) -> None:
    """Names are stored raw, printable or not."""
    assert parse(GOOD.name, with_line(line(GUIDS[2], name))).players[1].name == name


def test_xp_may_be_negative() -> None:
    """Negative XP is valid; a negative count is not."""
    assert parse(GOOD.name, with_line(line(GUIDS[2], xp=-40))).players[1].fields.xp == -40


@pytest.mark.parametrize(
    ("team", "side"),
    [(0, SPECTATOR), (4, SPECTATOR), (-1, SPECTATOR), ("", SPECTATOR), ("x", SPECTATOR), ("2.0", 2)],
)
def test_invalid_team_is_unknown(team: int | str, side: int) -> None:
    """The player counts and is in neither team; a number such as 1.0 is accepted."""
    raw = parse(GOOD.name, with_line(line(GUIDS[2], team=team)))
    assert raw.players[1].team == side
    found = [(value.field, value.text) for value in raw.unreadable]
    assert found == ([] if side == ALLIES else [("team", str(team))])


REFUSED = {
    "empty": (b"", 0, "empty file"),
    "truncated in the header": (GOOD.content[:20], 1, "truncated"),
    "only a header": (GOOD.content.split(b"\n")[0] + b"\n", 0, "no player lines after the header"),
    "truncated in a line": (GOOD.content[:-3], 3, "truncated"),
    "header too short": (b"a\\b\\c\n", 1, "a header has at least 8 fields, this one has 3"),
    "other map": (with_header(1, "radar"), 1, "the header says map 'radar', the file name supply"),
    "other round": (with_header(3, "2"), 1, "the header says round '2', the file name 1"),
    "defender": (with_header(4, "3"), 1, "defender team '3' is neither 1 nor 2"),
    "winner": (with_header(5, "x"), 1, "winner team 'x' is not 0, 1 or 2"),
    "limit": (with_header(6, "10"), 1, "time limit '10' is not M:SS"),
    "no TAB": (with_line("0000CCCC\\ann\\0\\1\\16 1 1 1 1 1 "), 3, "not a player line"),
    "backslash in a name": (with_line(line(GUIDS[2], "a\\b")), 3, "not a player line"),
    "GUID twice": (with_line(line()), 3, "GUID 0000AAAA is in line 2 too"),
    "weapons not numbers": (with_line(line(GUIDS[2]).replace("16 20", "16 2O")), 3, "are not numbers"),
    "a weapon number missing": (
        with_line(line(GUIDS[2]).replace("16 20 ", "16 ")),
        3,
        "weapon mask 16 requires 5 numbers, the line has 4",
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
        "35 fields; expected one of 33, 36, 37, 38",
    ),
    "impossible time": (
        with_line(line(GUIDS[2], time_played_minutes=4e7)),
        3,
        "time_played_minutes '40000000.0'; expected 0 to 10000000",
    ),
    "impossible damage": (
        with_line(line(GUIDS[2], damage_given=10**7 + 1)),
        3,
        "damage_given '10000001'; expected 0 to 10000000",
    ),
    "mask too wide": (with_line(line(GUIDS[2]).replace("16 20", f"{1 << 64} 20")), 3, "more than 64 bits"),
    "blank line inside": (GOOD.content.replace(b"\n0000BBBB", b"\n\n0000BBBB"), 3, "not a player line"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rejection_names_line_and_reason(case: str) -> None:
    """Content that the game does not write is rejected with file, line and reason."""
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
def test_other_names_are_not_round_files(name: str) -> None:
    """Weapon dumps, awards, junk and names with a path are not round files."""
    assert parse_filename(name) is None
    with pytest.raises(ParseError):
        parse(name, GOOD.content)


@given(
    st.one_of(
        st.text(max_size=300).map(lambda text: f"{text}-round-1.txt"),
        st.builds("{}-{}-round-{}.txt".format, st.just(STAMP), st.text(max_size=260), st.integers(0, 30)),
        st.text(max_size=40),
        st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{6}-x-round-[12]\.txt", fullmatch=True),
    )
)
def test_rejected_round_name_has_a_reason(name: str) -> None:
    """A name that ends like a round file is accepted or has a reason; other names have no reason."""
    assert (parse_filename(name) is not None or refusal_of(name) is not None) == has_round_ending(name)
    assert parse_filename(name) is None or refusal_of(name) is None
    assert not (has_round_ending(name) and is_companion(name))


@pytest.mark.parametrize("map_name", ["supply", "te_escape2", "etl_sp_delivery", "b4-1.2+x", "round-1"])
def test_special_map_names_are_accepted(map_name: str) -> None:
    """Map names may contain letters, digits, `_`, `-`, `.` and `+`, and parts like `-round-1`."""
    name = parse_filename(f"{STAMP}-{map_name}-round-2.txt")
    assert name is not None
    assert (name.map_name, name.round_number, f"{name.stamp:%H%M%S}") == (map_name, 2, "213000")


def test_file_with_an_invalid_name_is_rejected() -> None:
    """The name is checked too when a file is parsed."""
    with pytest.raises(ParseError, match="not the name of a round file"):
        parse("notes.txt", GOOD.content)


def test_crlf_and_64_players_are_accepted() -> None:
    """64 players are accepted."""
    lines = [line(f"{index:08X}", f"p{index}") for index in range(64)]
    file: File = round_file(STAMP, lines=lines, end="\r\n")
    assert len(parse(file.name, file.content).players) == 64


@pytest.mark.parametrize("map_name", ["[dark]-siege_beta", "a b", "a..b", "großer'\"platz", "地図", "x-round-1"])
def test_printable_map_names_are_accepted(map_name: str) -> None:
    """Brackets, blanks, quotes and letters of any script are valid in map names."""
    file = round_file(STAMP, map_name=map_name)
    assert parse(file.name, file.content).name.map_name == map_name


_SECONDARY = [field for field in FIELDS if field.name not in CORE_FIELDS and field.behaviour not in (RATIO, SHARE)]
_BAD_TEXTS = st.one_of(
    st.sampled_from(
        ["-nan", "inf", "-183.3", "1.#IND", "", "many", "7_7", "\u0667", "-1.5", "99999999999", "1e5"]
    ),
    st.text(st.characters(blacklist_characters="\t\\\r\n", blacklist_categories=["Cs"]), max_size=12),
)


@given(field=st.sampled_from(FIELDS), text=_BAD_TEXTS)
def test_invalid_optional_value_is_unknown(field: Field, text: str) -> None:
    """An invalid optional value does not reject a file; an unreadable one is reported."""
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
def test_integer_with_zero_fraction_is_accepted(text: str) -> None:
    """Lua 5.3 and later write 21 as 21.0, in weapon numbers and the counter of rounds too."""
    content = with_line(line(GUIDS[2], gibs=77).replace("\t77\t", f"\t{text}\t"))
    assert parse(GOOD.name, content).players[1].fields.gibs == 21
    floats = with_line(line(GUIDS[2]).replace("16 20 60", "16.0 20.0 60.0").replace("\\0\\1\\", "\\0.0\\1\\"))
    assert parse(GOOD.name, floats).players[1].weapons[0][1:3] == (20, 60)
    assert parse(GOOD.name, floats).players[1].rounds == 0
    file = round_file("2025-10-02-213000", defender=1, winner=2)
    raw = parse(file.name, file.content.replace(b"\\1\\1\\2\\", b"\\1.0\\1.0\\2.0\\", 1))
    assert (raw.defender_team, raw.winner_team) == (1, 2)


@pytest.mark.parametrize("more", [1, 3, 40])
def test_newer_layout_is_read_up_to_the_known_fields(more: int) -> None:
    """With more than 38 fields, the known ones are read and the number is reported."""
    raw = parse(GOOD.name, with_line(line(GUIDS[2], revives_given=4) + "\t7" * more))
    assert (raw.players[1].fields.revives_given, raw.extra_fields) == (4, more)


def test_unknown_weapon_is_named_by_its_bit() -> None:
    """A mask with a bit after the last known weapon."""
    raw = parse(GOOD.name, with_line(line(GUIDS[2]).replace("16 20 60", f"{1 << 30} 20 60")))
    assert [weapon.name for weapon in raw.players[1].weapons] == ["WEAPON_30"]


@given(guid=st.text(st.characters(blacklist_characters="\t\\\r\n", blacklist_categories=["Cs"]), max_size=12))
@example("OMNIBOT0")
@example("UNKNOWN")
@example("unknown")
@example("NO_GUID")
@example("")
def test_lines_without_guid_are_counted_not_read(guid: str) -> None:
    """Bots and players without a GUID are counted, also several with one GUID; the round is accepted."""
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
def test_round_of_bots_is_not_counted(humans: int, bots: int, is_counted: bool) -> None:
    """Not if bots outnumber humans, or if only one human plays with bots."""
    lines = [line(guid) for guid in GUIDS[:humans]] + [line(f"OMNIBOT{index}") for index in range(bots)]
    file = round_file(STAMP, lines=lines)
    derived = derive(parse(file.name, file.content))
    assert (len(derived.players), derived.bots, derived.is_counted) == (humans, bots, is_counted)
