"""Rules for the source text that no linter of the project checks."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("etstats", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def loop_variables(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and name of each variable of a for statement, comprehension or lambda."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.For(target=target) | ast.AsyncFor(target=target) | ast.comprehension(target=target):
                yield from ((name.lineno, name.id) for name in ast.walk(target) if isinstance(name, ast.Name))
            case ast.Lambda(args=args):
                parameters = (*args.posonlyargs, *args.args, *args.kwonlyargs)
                yield from ((parameter.lineno, parameter.arg) for parameter in parameters)


@pytest.mark.parametrize(
    "source",
    [
        "for p in players: pass",
        "[p for p in players]",
        "{key: v for key, v in items}",
        "any(p for _, (p, second) in players)",
        "sorted(players, key=lambda p: p.kills)",
    ],
)
def test_one_letter_loop_variables_are_found(source: str) -> None:
    assert [name for _, name in loop_variables(source) if len(name) == 1 and name != "_"]


def test_loop_variables_are_words() -> None:
    """`for player in players`, not `for p in players`; `_` is allowed for an unused value."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in SOURCES
        for line, name in loop_variables(path.read_text(encoding="utf-8"))
        if len(name) == 1 and name != "_"
    ]
    assert not found, f"use a word for these loop variables: {found}"
