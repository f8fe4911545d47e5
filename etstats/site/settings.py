"""The `[site]` settings."""

import re
from dataclasses import dataclass

from etstats.errors import ConfigError

_URL = re.compile(r"https?://[^\s\"'<>\\^`{|}?#]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """The static site: with `path` it is brought up to date after each import, with `url` posts lead to it."""

    path: str | None = None
    url: str | None = None
    title: str = "ET:Legacy stats"
    noindex: bool = False
    """Ask search engines to leave the site out."""


def address(url: str | None) -> str | None:
    """The site's address without a slash at its end; ConfigError for what is not one."""
    if url is None:
        return None
    if not _URL.fullmatch(url):
        raise ConfigError(f'[site] url: invalid address "{url}"; expected one such as https://stats.example.org')
    return url.rstrip("/")
