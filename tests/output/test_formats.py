"""Tests that all formats have the same numbers, also for empty tables."""

import csv
import io
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath

import pytest

from etstats import output
from etstats.output import Column, Format, Table
from tests.output.rows import COLUMNS, Line, table

Capture = pytest.CaptureFixture[str]
ROWS = (Line(), Line(player_name="^4B^7ob", kills=7, kd=Decimal("0.07"), map="radar", hits=0.5, played=3671.0))


def shown(capsys: Capture, what: Table, style: Format) -> str:
    """Return what is written to stdout; stderr must be empty."""
    output.show(what, style)
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_terminal_and_markdown_have_the_same_cells(capsys: Capture) -> None:
    """The terminal table and the Markdown table have the same headings and cells, in the same order."""
    drawn = [re.split(r" {2,}", text.strip()) for text in shown(capsys, table(*ROWS), Format.TABLE).splitlines()]
    marked = [
        [cell.strip().replace("\\", "") for cell in text.strip("|").split(" | ")]
        for text in shown(capsys, table(*ROWS), Format.MARKDOWN).splitlines()
    ]
    assert [line for line in drawn if len(line) == len(COLUMNS)] == [marked[0], *marked[2:]]
    assert marked[2] == "Ann, supply, 1,234, 2.50, 12:34, 33 %, 2025-10-02 21:30, 2025-10-02".split(", ")
    assert marked[3] == "Bob, radar, 7, 0.07, 1:01:11, 50 %, 2025-10-02 21:30, 2025-10-02".split(", ")


def test_json_and_csv_have_the_same_values(capsys: Capture) -> None:
    """CSV and JSON have the same plain numbers; names are raw in JSON, cleaned in CSV."""
    documents = json.loads(shown(capsys, table(*ROWS), Format.JSON))
    read = list(csv.DictReader(io.StringIO(shown(capsys, table(*ROWS), Format.CSV))))
    assert [document.pop("player_name") for document in documents] == ["^1Ann", "^4B^7ob"]
    assert [row.pop("player_name") for row in read] == ["Ann", "Bob"]
    assert read == [{key: str(value) for key, value in document.items()} for document in documents]
    assert documents[0] == {
        "map": "supply",
        "kills": 1234,
        "kd": 2.5,
        "played": 754.0,
        "hits": 0.3333,
        "began_at": "2025-10-02T21:30:00+00:00",
        "last_on": "2025-10-02",
    }


def test_unknown_value_is_a_dash_null_or_empty(capsys: Capture) -> None:
    """None is a dash for people, null in JSON and an empty cell in CSV."""
    unknown = table(Line(map=None, hits=None))
    assert shown(capsys, unknown, Format.TABLE).count("–") == 2
    assert shown(capsys, unknown, Format.MARKDOWN).count("| – |") == 2
    assert shown(capsys, unknown, Format.CSV).splitlines()[1].startswith("Ann,,1234,2.5,754.0,,")
    assert json.loads(shown(capsys, unknown, Format.JSON))[0]["hits"] is None


@pytest.mark.parametrize(
    ("style", "empty"),
    [
        (Format.TABLE, "Nobody [yet].\n"),
        (Format.JSON, "[]\n"),
        (Format.CSV, "player_name,map,kills,kd,played,hits,began_at,last_on\n"),
        (Format.MARKDOWN, "Nobody \\[yet\\].\n"),
    ],
)
def test_empty_table_is_valid_in_every_format(capsys: Capture, style: Format, empty: str) -> None:
    """An empty table is a sentence for people, and a valid document without rows for programs."""
    assert shown(capsys, table(empty="Nobody [yet]."), style) == empty


def test_several_tables_have_notes_and_headings(capsys: Capture) -> None:
    """Notes follow their table; in Markdown each table has its heading, separated by blank lines."""
    tables = [table(Line(), title="First\nof #two", notes=("A *note*.",)), table(title="Second")]
    output.show_all(tables, Format.MARKDOWN)
    marked = capsys.readouterr().out
    assert marked.startswith("### First of \\#two\n\n| Player |")
    assert marked.endswith("\n\nA \\*note\\*.\n\nTimes: UTC.\n\n### Second\n\nNobody yet.\n\n")
    output.show_all(tables)
    drawn = capsys.readouterr().out
    assert drawn.index("of #two") < drawn.index("Ann") < drawn.index("A *note*.") < drawn.index("Nobody yet.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """Values of a document besides plain ones."""

    lines: tuple[Line, ...]
    by_map: dict[int, Decimal]
    place: PurePosixPath
    third: float


def test_document_writes_nested_values_as_json(capsys: Capture) -> None:
    """Nested rows, dicts, paths and decimals are written as JSON."""
    output.write_json(
        Nested(lines=(Line(),), by_map={1: Decimal(3), 2: Decimal("0.5")}, place=PurePosixPath("/a"), third=1 / 3)
    )
    document = json.loads(capsys.readouterr().out)
    assert document["lines"][0]["kills"] == 1234
    assert document["by_map"] == {"1": 3, "2": 0.5}
    assert (document["place"], document["third"]) == ("/a", 0.3333)


def test_list_in_a_cell_is_escaped_text(capsys: Capture) -> None:
    """A cell with a list is its text in CSV, escaped if a spreadsheet would evaluate it."""

    @dataclass(frozen=True, slots=True)
    class Row:
        names: list[str]

    rows = [Row(["=1+1", "b"]), Row(["a\x1b[2J"])]
    names = Table(title="", columns=[Column(key="names", heading="Names", text=" ".join)], rows=rows, empty="")
    assert list(csv.reader(io.StringIO(shown(capsys, names, Format.CSV)))) == [["names"], ["'=1+1 b"], ["a[2J"]]


@pytest.mark.parametrize(
    ("seconds", "clock"), [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3599.6, "1:00:00"), (36000, "10:00:00")]
)
def test_seconds_are_formatted_as_a_clock_time(seconds: float, clock: str) -> None:
    """Minutes and seconds, hours from an hour on; never 60 seconds."""
    assert output.minutes_seconds(seconds) == clock


def test_average_bar_has_half_the_height() -> None:
    """None is the lowest bar, the average the middle, twice the average and above the highest."""
    assert output.sparkline([0, 5, 10, 20, 900], 10) == "▁▃▅██"
    assert output.sparkline([0, 0], 0) == "▁▁"
