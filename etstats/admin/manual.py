"""The pages of the manual: inside the installed package, or in the folder `docs` of a checkout."""

from pathlib import Path
from typing import NamedTuple

from etstats.config.convert import did_you_mean
from etstats.errors import ConfigError, NotFoundError


class Page(NamedTuple):
    """A page's name, its title and its file."""

    name: str
    title: str
    path: Path


def docs_root() -> Path:
    """Return the folder of the pages and of the systemd units; ConfigError when it is not installed."""
    package = Path(__file__).parents[1]
    for root in (package / "docs", package.parent / "docs"):
        if (root / "systemd").is_dir():
            return root
    raise ConfigError(f"no documentation in {package}: the installation is damaged; install etstats again")


def pages() -> list[Page]:
    """Return all pages, by name."""
    paths = [path for path in sorted(docs_root().glob("*.md")) if path.name != "README.md"]
    return [Page(name=path.stem, title=_title(path), path=path) for path in paths]


def page(name: str) -> Page:
    """Return the page of a name: `setup`, `setup.md` or `docs/setup.md`; NotFoundError names a similar one."""
    wanted = name.lower().removesuffix(".md").removeprefix("docs/")
    found = {one.name: one for one in pages()}
    if wanted not in found:
        raise NotFoundError(f"there is no page {name} (all pages: etstats docs){did_you_mean(wanted, found)}")
    return found[wanted]


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
