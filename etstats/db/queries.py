"""Named SQL: `query("leaderboard")` is the text of `sql/queries/leaderboard.sql`."""

import difflib
from functools import cache
from pathlib import Path

from etstats.errors import EtstatsError


@cache
def sql_root() -> Path:
    """Return the folder of the SQL: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    for root in (package / "sql", package.parent / "sql"):
        if (root / "queries").is_dir():
            return root
    raise EtstatsError(f"The SQL of etstats is not in {package}: the installation is damaged; install it again.")


def query_names(folder: str = "queries") -> tuple[str, ...]:
    """Return the names in one folder of `sql/` (`queries` or `checks`), sorted."""
    return tuple(sorted(path.stem for path in (sql_root() / folder).glob("*.sql")))


@cache
def query(name: str, folder: str = "queries") -> str:
    """Return the SQL of that name, without its comment lines; an unknown name is a fault of the program."""
    names = query_names(folder)
    if name not in names:
        near = ", ".join(difflib.get_close_matches(name, names)) or "none"
        raise EtstatsError(f"There is no {name}.sql in {sql_root() / folder}; near it: {near}.")
    text = (sql_root() / folder / f"{name}.sql").read_text(encoding="utf-8")
    # A "%" in a comment would be read as a placeholder.
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
