"""Tests of narrow terminals: names are shortened and columns dropped, numbers are complete."""

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from etstats import output
from etstats.commands.tables.sessions import round_tables, session_tables
from etstats.output import Format
from etstats.stats import sessions
from tests.stats.sessions.rows import add_round, add_session, line

LONG = "A name of thirty-six characters, yes"


@pytest.fixture(params=[40, 60, 80, 120, 200])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Return a terminal with this number of columns."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    output.out.cache_clear()
    yield request.param
    output.out.cache_clear()


def test_numbers_are_complete_and_lines_fit(
    db: Connection, width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """No truncated number, no line longer than the terminal; dropped columns are listed."""
    session = add_session(db)
    numbers = {"kills": 1234, "deaths": 987, "damage_given": 987_654, "damage_received": 876_543}
    lines = [line(index, 1 + index % 2, f"{LONG}{index}", **numbers) for index in range(1, 7)]
    round_id = add_round(db, session, lines, match="a_map_with_quite_a_long_name")
    output.show_all(session_tables(sessions.session_view(db, session), Format.TABLE, ZoneInfo("UTC")))
    output.show_all(round_tables(sessions.round_view(db, round_id), Format.TABLE, ZoneInfo("UTC")))
    shown = capsys.readouterr().out
    rows = [text for text in shown.splitlines() if "A name of" in text and "…" in text]
    assert not re.search(r"\d[\d,.:]*…", shown.replace(LONG, ""))
    assert max(map(len, shown.splitlines())) <= width
    assert "1,234" in shown
    if width <= 60:
        assert rows
        assert "In a wider terminal: " in shown
    if width == 200:
        assert "987,654" in shown
        assert "876,543" in shown
        assert "In a wider terminal: " not in shown


def test_pipe_output_is_complete(
    db: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal and without COLUMNS all columns are complete."""
    monkeypatch.delenv("COLUMNS", raising=False)
    output.out.cache_clear()
    session = add_session(db)
    add_round(db, session, [line(1, 1, LONG), line(2, 2)])
    output.show_all(session_tables(sessions.session_view(db, session), Format.TABLE, ZoneInfo("UTC")))
    output.out.cache_clear()
    shown = capsys.readouterr().out
    assert LONG in shown
    assert "Denied" in shown
    assert "…" not in shown
