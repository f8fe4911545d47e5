"""The named queries of sql/queries."""

import ast
import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from etstats.db import queries
from etstats.errors import EtstatsError

PACKAGE = Path(queries.__file__).parents[1]
# The functions that take the name of a query.
TAKES_A_NAME = set(
    "query query_with_columns run ids rows _update fetch_all fetch_one fetch_column sql _rows Level".split()
)


def _used_names() -> Iterator[str]:
    """Return the query names in calls of the package, including names passed as parameters."""
    for path in PACKAGE.rglob("db/*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        variables = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _function(node) in TAKES_A_NAME:
                for argument in node.args:
                    yield from _strings(argument)
                    if isinstance(argument, ast.Name):
                        variables.add(argument.id)
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.For)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                value = node.value if isinstance(node, ast.Assign) else node.iter
                assigned = {
                    name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
                }
                if assigned & variables:
                    yield from _strings(value)


def _function(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _strings(node: ast.expr) -> Iterator[str]:
    """Return the string constants of an expression, or the names that an f-string fits; not those of a mapping."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _strings(node.body)
        yield from _strings(node.orelse)
    elif isinstance(node, ast.Tuple):
        for element in node.elts:
            yield from _strings(element)
    elif isinstance(node, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values]
        yield from fnmatch.filter(queries.query_names(), "".join(parts))


def test_queries_are_used_and_exist() -> None:
    """No query is unused or misspelled."""
    assert set(_used_names()) == set(queries.query_names())


def test_query_text_has_no_comments() -> None:
    """Comment lines are removed, and no query is empty."""
    assert queries.query("applied_migrations").startswith("SELECT number")
    for name in queries.query_names():
        text = queries.query(name)
        assert text
        assert not any(line.lstrip().startswith("--") for line in text.splitlines())


@pytest.mark.parametrize("name", ["aplied_migrations", "../migrations/0001_rounds", ""])
def test_unknown_name_is_refused(name: str) -> None:
    """The message has similar names."""
    with pytest.raises(EtstatsError, match=f'no query named "{name}" in .*; similar names: '):
        queries.query(name)


def test_duplicate_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are unique over all files."""
    (tmp_path / "queries").mkdir()
    for subject in ("first", "second"):
        (tmp_path / "queries" / f"{subject}.sql").write_text("-- A subject.\n\n-- name: same\nSELECT 1\n")
    monkeypatch.setattr(queries, "sql_root", lambda: tmp_path)
    with pytest.raises(EtstatsError, match=r'second\.sql: a query named "same" exists already'):
        queries._queries.__wrapped__()


# What reads or writes the rows of single GUIDs on purpose: imports, rebuilds, checks, anonymization, aliases, what
# is counted of a whole round, and the corrections themselves.
OF_SINGLE_GUIDS = set(
    "store_rounds drop_players_of_rounds players_of_files weapons_of_files sides_of_rounds analyze_tables "
    "archived_rounds stored_values locate_findings rows_of_recent_sessions round_fingerprints due_posts "
    "anonymize_hidden anonymize_player_rows add_pseudonym_alias hide_player unhide_player hidden_players "
    "count_aliases disable_alias_triggers enable_alias_triggers scoreboards "
    "touch_rounds_of_player touch_rounds_of_guids sessions_of_players pairs_that_met derived_conflicts "
    "played_conflicts player_teammates round_records player_maps player_records".split()
)


def test_reading_queries_use_merged_players() -> None:
    """Reading queries use the views that combine merged players."""
    tables = re.compile(r"\b(player_comprehensive_stats|weapon_comprehensive_stats|hidden_players)\b")
    assert {name for name in queries.query_names() if tables.search(queries.query(name))} == OF_SINGLE_GUIDS
