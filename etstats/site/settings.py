"""The `[site]` settings."""

import re
from dataclasses import dataclass, field

from etstats.errors import InvalidValueError

_URL = re.compile(r"https?://[^\s\"'<>\\^`{|}?#]+", re.ASCII)


def _check_url(url: str) -> None:
    if not _URL.fullmatch(url):
        raise InvalidValueError(f'invalid address "{url}"; expected one such as https://stats.example.org')


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """The static site: with `path` it is updated after each import, with `url` posts link to it."""

    path: str | None = None
    url: str | None = field(default=None, metadata={"format": _check_url})
    title: str = "ET:Legacy stats"
    noindex: bool = False
    """Ask search engines to leave the site out."""

    @property
    def address(self) -> str | None:
        """Return the site's URL without a trailing slash."""
        return None if self.url is None else self.url.rstrip("/")
