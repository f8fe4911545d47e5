"""Shared parts of all pages: the templates, the site's options, and links to players."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from importlib import resources
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from etstats import __version__
from etstats.site import json_data, markup, paths
from etstats.site.policy import CONTENT_SECURITY_POLICY
from etstats.site.settings import SiteConfig
from etstats.site.style import stylesheet

SECTIONS = (
    ("", "Home"),
    ("sessions", "Sessions"),
    ("players", "Players"),
    ("leaderboards", "Leaderboards"),
    ("maps", "Maps"),
    ("weapons", "Weapons"),
    ("records", "Records"),
    ("seasons", "Seasons"),
)


class LinkCard(NamedTuple):
    """A link card, as shown in chats: a sentence, and the path of a picture."""

    text: str
    picture: str | None = None


class Frame(NamedTuple):
    """The frame of a page: the links of its head, header and footer."""

    links: Markup
    header: Markup
    footer: Markup


class Pages:
    """The pages of a build: `players` maps the GUIDs of players with a page to their raw names.

    `leads_to` maps merged GUIDs to the GUID of the person's page.
    """

    def __init__(
        self, options: SiteConfig, players: Mapping[str, str], leads_to: Mapping[str, str] | None = None
    ) -> None:
        self.options = replace(options, url=options.address, path=None)
        self.players = players
        self.leads_to = leads_to or {}
        self._links: dict[tuple[str, str, str], Markup] = {}
        self._frames: dict[tuple[str, str], Frame] = {}
        self._environment = Environment(
            loader=PackageLoader("etstats.site"),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=_visible,
        )
        self._environment.filters.update(
            name=markup.name,
            plain_name=markup.plain_name,
            whole=markup.whole,
            one=markup.one,
            two=markup.two,
            percent=markup.percent,
            share=markup.share,
            clock=markup.clock,
            span=markup.span,
            day=markup.day,
            score=markup.score,
            weekday=markup.weekday,
            minute=markup.minute,
            slug=paths.slug,
        )
        self._environment.globals.update(
            site=self.options,
            sections=SECTIONS,
            policy=CONTENT_SECURITY_POLICY,
            assets=self.assets_version,
            count=markup.count,
            map_path=paths.map_,
            match_path=paths.match,
            session_path=paths.session,
            round_path=paths.round_,
            season_path=paths.season,
            weapon_path=paths.weapon,
        )

    @cached_property
    def assets(self) -> dict[str, bytes]:
        """Return the style sheet, the script and the icon, by path."""
        folder = resources.files("etstats.site") / "static"
        files = {f"assets/{name}": (folder / name).read_bytes() for name in ("site.js", "icon.svg")}
        files["assets/site.css"] = (folder / "site.css").read_bytes() + stylesheet().encode()
        return files

    @cached_property
    def assets_version(self) -> str:
        """Return a hash of the assets for their links, so that browsers do not use old cached assets."""
        return hashlib.sha256(b"".join(self.assets[path] for path in sorted(self.assets))).hexdigest()[:8]

    @cached_property
    def version(self) -> str:
        """Return a hash of everything except the data that determines pages: the program, templates, options."""
        digest = hashlib.sha256(repr((__version__, self.options)).encode())
        for entry in sorted(_sources(), key=lambda found: found[0]):
            digest.update(entry[1])
        return digest.hexdigest()[:16]

    def page(
        self,
        folder: str,
        template: str,
        data: object,
        *,
        title: str,
        card: LinkCard | None = None,
        **context: object,
    ) -> dict[str, bytes]:
        """Render a page and its JSON; return the files by path."""
        up = paths.up(folder)
        html = self._environment.get_template(template).render(
            folder=folder,
            up=up,
            title=title,
            card=card or LinkCard(title),
            frame=self._frame(up, folder.partition("/")[0]),
            person=lambda guid, raw: self.person(guid, raw, up),
            **context,
        )
        place = f"{folder}/" if folder else ""
        return {place + paths.PAGE: html.encode(), place + paths.DATA: json_data.document(data)}

    def picture(self, folder: str, draw: Callable[[], bytes]) -> dict[str, bytes]:
        """Return the picture of a page's link card, by path; empty without the site's URL."""
        return {f"{folder}/card.png": draw()} if self.options.url else {}

    def _frame(self, up: str, section: str) -> Frame:
        """Return the frame of all pages of a section with the same depth."""
        key = (up, section)
        if key not in self._frames:
            parts = {
                name: markup.html(self._environment.get_template(f"{name}.html").render(up=up, section=section))
                for name in Frame._fields
            }
            self._frames[key] = Frame(**parts)
        return self._frames[key]

    def person(self, guid: str, raw: str, up: str) -> Markup:
        """Return a player's name, as a link if the player has a page."""
        key = (guid, raw, up)
        if key not in self._links:
            target = self.leads_to.get(guid, guid)
            shown = markup.name(raw)
            if target in self.players:
                shown = markup.link(up + paths.player(target), shown)
            self._links[key] = shown
        return self._links[key]


def _sources() -> list[tuple[str, bytes]]:
    root = resources.files("etstats.site")
    found = []
    for folder in (root, root / "templates", root / "static"):
        for entry in folder.iterdir():
            if entry.is_file() and entry.name.endswith((".py", ".html", ".xml", ".css", ".js", ".svg")):
                found.append((entry.name, entry.read_bytes()))
    return found


def _visible(value: object) -> object:
    """Remove invisible characters from texts that templates write."""
    return markup.visible(value, 400) if type(value) is str else value
