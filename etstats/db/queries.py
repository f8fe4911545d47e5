"""Load named SQL: a file in `sql/queries/` has the queries of a subject, each after a line `-- name: NAME`."""

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from etstats.errors import EtstatsError


@cache
def sql_root() -> Path:
    """Return the folder of the SQL files: in the installed package, or next to it in a checkout."""
    package = Path(__file__).parents[1]
    for root in (package / "sql", package.parent / "sql"):
        if (root / "queries").is_dir():
            return root
    raise EtstatsError(f"no SQL files in {package}: the installation is damaged; install etstats again")


@cache
def query(name: str) -> str:
    """Return the named query without its comment lines; an unknown name is an error of the program."""
    queries = _queries()
    if name not in queries:
        similar = ", ".join(difflib.get_close_matches(name, queries)) or "none"
        raise EtstatsError(f'no query named "{name}" in {sql_root() / "queries"}; similar names: {similar}')
    return _without_comments(queries[name])


def query_names() -> tuple[str, ...]:
    """Return the names of all queries, sorted."""
    return tuple(sorted(_queries()))


def check_files() -> tuple[Path, ...]:
    """Return the files of `sql/checks/`, sorted; each holds one check."""
    return tuple(sorted((sql_root() / "checks").glob("*.sql")))


@cache
def check_query(name: str) -> str:
    """Return the SQL of a check without its comment lines."""
    return _without_comments((sql_root() / "checks" / f"{name}.sql").read_text(encoding="utf-8"))


@cache
def _queries() -> Mapping[str, str]:
    """Read every query, comments included, by name."""
    found: dict[str, str] = {}
    for path in sorted((sql_root() / "queries").glob("*.sql")):
        _, *blocks = path.read_text(encoding="utf-8").split("\n-- name: ")
        for block in blocks:
            name, _, text = block.partition("\n")
            if name in found:
                raise EtstatsError(f'{path}: a query named "{name}" exists already; names are unique')
            found[name] = text
    return found


def _without_comments(text: str) -> str:
    """Drop comment lines: psycopg would read a "%" in a comment as a placeholder."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).strip()
