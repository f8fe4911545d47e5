"""Tests of the written pages: complete, valid links, escaped, equal bytes for equal data."""

import json
import posixpath
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from PIL import Image

from etstats.admin.privacy import forget
from etstats.db import identity
from etstats.domain.rules.boards import BOARDS
from etstats.site import paths
from etstats.site.cards import session_card
from etstats.site.folder import MANIFEST
from etstats.site.settings import SiteConfig
from etstats.stats.sessions import round_view
from etstats.stats.teams import without_tags
from tests.conftest import CliResult
from tests.post.render import samples
from tests.site.conftest import HOSTILE_MAP, HOSTILE_NAMES, HOSTILE_SERVER, Community, generated, tree
from tests.support.site_pages import KINDS

Cli = Callable[..., CliResult]


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def ids(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.elements if "id" in attributes}


def pages_of(root: Path) -> Iterator[tuple[str, Page]]:
    """Return all pages of a site, by path."""
    for path in sorted(root.rglob("*.html")):
        yield str(path.relative_to(root)), Page(path.read_text())


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Return all pages of the community's site, by path."""
    return dict(pages_of(site))


def test_every_kind_of_page_exists_with_json(site: Path) -> None:
    """Sessions, matches, rounds, players, maps, weapons, boards, records and seasons exist, each with JSON."""
    pages = {str(path.relative_to(site).parent) for path in site.rglob("index.html")}
    documents = {str(path.relative_to(site).parent) for path in site.rglob("data.json")}
    assert pages == documents
    for path in site.rglob("data.json"):
        json.loads(path.read_bytes())
    assert set(KINDS) <= {str(path.relative_to(site)) for path in site.rglob("*.html")}
    for board in BOARDS:
        assert f"leaderboards/{board}" in pages
    assert any(page.startswith("matches/main/") for page in pages)
    assert paths.map_(HOSTILE_MAP) in pages
    assert {paths.player(guid) for guid in HOSTILE_NAMES} <= pages


def test_links_lead_to_files(site: Path, pages: dict[str, Page]) -> None:
    """Each link, source and fragment is a relative path to a file of the site."""
    files = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    checked = 0
    for path, page in pages.items():
        for tag, attributes in page.elements:
            for attribute in ("href", "src"):
                if attribute not in attributes:
                    continue
                parts = urlsplit(attributes[attribute])
                assert not parts.scheme, (path, tag, attributes)
                assert not parts.netloc, (path, tag, attributes)
                if parts.path:
                    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))
                    assert target in files, (path, attributes[attribute])
                else:
                    assert parts.fragment in page.ids, (path, attributes[attribute])
                checked += 1
    assert checked > 5_000


def test_nothing_is_inline_or_external(pages: dict[str, Page]) -> None:
    """No inline script, style or handler, as the Content-Security-Policy requires."""
    for path, page in pages.items():
        policies = [
            attributes["content"]
            for tag, attributes in page.elements
            if attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        assert len(policies) == 1, path
        assert "default-src 'none'" in policies[0]
        assert "unsafe" not in policies[0]
        for tag, attributes in page.elements:
            assert tag not in {"style", "iframe", "object", "embed", "base", "form"}, path
            assert "style" not in attributes, (path, attributes)
            assert not any(name.startswith("on") for name in attributes), (path, attributes)
            if tag == "script":
                assert re.fullmatch(r"(\.\./)*assets/site\.js\?[0-9a-f]{8}", attributes["src"]), path


def test_hostile_names_are_text(site: Path, pages: dict[str, Page]) -> None:
    """Hostile names add no element or attribute to any page, and are readable."""
    everything = {tag for page in pages.values() for tag, _ in page.elements}
    assert not everything & {"img", "iframe", "body>"}
    scripts = [path for path, page in pages.items() if sum(tag == "script" for tag, _ in page.elements) != 1]
    assert scripts == []
    hostile = "".join(Page((site / paths.player("66600001") / "index.html").read_text()).texts)
    assert "<script>alert('name')</script>" in hostile
    assert "\u202e" not in "".join(path.read_text() for path in site.rglob("*") if path.suffix in {".html", ".js"})
    long = (site / paths.player("66600005") / "index.html").read_text()
    assert "x" * 130 not in long.split("</head>")[1]
    assert "(no name)" in (site / paths.player("66600006") / "index.html").read_text()
    map_page = Page((site / paths.map_(HOSTILE_MAP) / "index.html").read_text())
    assert HOSTILE_MAP in "".join(map_page.texts)
    match = next((site / "matches" / paths.slug(HOSTILE_SERVER)).rglob("index.html"))
    assert HOSTILE_SERVER in "".join(Page(match.read_text()).texts)


@pytest.mark.parametrize("path", [*KINDS, "players/66600001/index.html", "players/66600009/index.html"])
def test_pages_are_well_formed(site: Path, path: str) -> None:
    """A strict HTML parser finds no errors."""
    html5lib.HTMLParser(strict=True).parse((site / path).read_text())


def test_pages_of_hostile_matches_are_well_formed(site: Path) -> None:
    """This also holds if server, match and map have markup in their names."""
    found = [*(site / "matches" / paths.slug(HOSTILE_SERVER)).rglob("index.html")]
    found += [*(site / paths.map_(HOSTILE_MAP)).rglob("index.html")]
    assert len(found) == 2
    for path in found:
        html5lib.HTMLParser(strict=True).parse(path.read_text())


def test_feed_and_search_index_are_valid(site: Path) -> None:
    """The feed is XML with one entry per session; the index has each player once, without markup."""
    feed = ET.fromstring((site / "feed.xml").read_text())
    atom = "{http://www.w3.org/2005/Atom}"
    entries = feed.findall(f"{atom}entry")
    assert len(entries) == len({path.parent for path in (site / "sessions").glob("*/index.html")})
    ids = [entry.findtext(f"{atom}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    script = (site / "search.js").read_text()
    assert "<" not in script
    players = json.loads(script.removeprefix("window.etstatsPlayers=").removesuffix(";\n"))
    guids = [guid for guid, _, _ in players]
    assert len(set(guids)) == len(guids)
    assert all(name not in others for _, name, others in players)
    assert set(HOSTILE_NAMES) <= set(guids)
    assert {path.parent.name for path in (site / "players").glob("*/index.html")} == set(guids)


def test_tied_players_share_an_award(site: Path) -> None:
    """A session's page has each award once, with all its players."""
    ties = 0
    for path in (site / "sessions").glob("*/index.html"):
        awards = [award["title"] for award in json.loads((path.parent / "data.json").read_text())["awards"]]
        shown = re.findall(r"<li><strong>([^<]*)</strong>", path.read_text().partition('class="awards"')[2])
        assert [title for title in shown if title in awards] == list(dict.fromkeys(awards))
        ties += len(awards) - len(set(awards))
    assert ties


def test_round_names_its_teams_and_sides(community: Community, tmp_path: Path) -> None:
    """Like its post, the page names the attackers, the winner, and the team of each scoreboard."""
    (round_id,), *_ = community.conn.execute(
        "SELECT id FROM rounds WHERE defender_team = 1 AND winner_team = 2 AND series_id IS NOT NULL ORDER BY id"
    ).fetchall()
    with community.conn.transaction():
        names = round_view(community.conn, round_id).team_names
    community.build(tmp_path / "site")
    shown = " ".join(Page((tmp_path / f"site/rounds/{round_id}/index.html").read_text()).texts)
    allies = f"{names[1]} (Allies)"
    assert f"{allies} attacked" in shown
    assert re.search(rf"Winner\s+{re.escape(allies)}", shown)
    assert f"{names[0]} (Axis)" in shown


def test_deaths_are_listed_last(site: Path) -> None:
    """A profile lists the boards by the player's rank, with deaths last."""
    for path in (site / "players").glob("*/index.html"):
        ranks = path.read_text().partition("<h2>Ranks</h2>")[2].partition("</table>")[0]
        boards = re.findall(r'leaderboards/([\w-]+)/index\.html">', ranks)
        places = [int(rank) for rank in re.findall(r">(\d+) of \d+<", ranks)]
        assert "deaths" not in boards[:-1]
        assert places[: len(boards) - 1] == sorted(places[: len(boards) - 1])


def test_pages_are_small(site: Path) -> None:
    """Every page is under 60 KB when compressed."""
    import zlib

    heaviest = max(site.rglob("*.html"), key=lambda path: len(zlib.compress(path.read_bytes())))
    assert len(zlib.compress(heaviest.read_bytes())) < 60_000, heaviest


def test_builds_are_reproducible(community: Community, site: Path, kept: Path, tmp_path: Path) -> None:
    """Two builds are equal, and a second one in the same folder writes nothing."""
    before = tree(site)
    community.build(tmp_path / "new")
    assert tree(tmp_path / "new") == before
    again = community.build(kept)
    assert (again.written, again.removed) == (0, 0)
    anew = community.build(kept, anew=True)
    assert (anew.written, anew.removed) == (0, 0)
    assert tree(kept) == before


def test_incremental_builds_equal_a_new_build(newcomers: Community, tmp_path: Path) -> None:
    """A site updated file by file in random order equals a new build."""
    files = generated()
    parts = [files[:8], files[12:16], files[8:12], files[16:17], files[17:]]
    assert all(parts)
    newcomers.build(tmp_path / "kept")
    for part in parts:
        newcomers.add(part)
        newcomers.build(tmp_path / "kept")
    newcomers.change("INSERT INTO hidden_players (player_guid) SELECT min(guid) FROM player_aliases")
    newcomers.build(tmp_path / "kept")
    newcomers.change("DELETE FROM rounds WHERE id IN (SELECT id FROM rounds ORDER BY ended_at LIMIT 3)")
    newcomers.build(tmp_path / "kept")
    newcomers.build(tmp_path / "fresh")
    kept, fresh = tree(tmp_path / "kept"), tree(tmp_path / "fresh")
    assert kept.keys() == fresh.keys()
    assert [path for path in kept if kept[path] != fresh[path]] == []


def test_new_round_changes_no_other_session(newcomers: Community, tmp_path: Path) -> None:
    """Rounds and matches of other sessions keep their files."""
    files = generated()
    newcomers.add(files[:-1])
    newcomers.build(tmp_path / "site")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "site/rounds").rglob("*.html")}
    newcomers.add(files[-1:])
    changes = newcomers.build(tmp_path / "site")
    assert changes.removed == 0
    rewritten = [path for path, mtime in before.items() if path.stat().st_mtime_ns != mtime]
    assert len(rewritten) <= 1  # the round before it leads to it now


def test_new_name_changes_no_session(community: Community, kept: Path, tmp_path: Path) -> None:
    """Profiles and boards show the player's current name; sessions show the name used then."""
    guid, _ = _somebody(community)
    files = tree(kept / "sessions")
    row = community.conn.execute(
        "SELECT round_id FROM player_comprehensive_stats JOIN rounds r ON r.id = round_id WHERE player_guid = %s "
        "ORDER BY r.ended_at DESC LIMIT 1",
        (guid,),
    ).fetchone()
    assert row is not None
    community.change(
        "UPDATE player_comprehensive_stats SET player_name = 'newname', clean_name = 'newname' "
        "WHERE round_id = %s AND player_guid = %s",
        row[0],
        guid,
    )
    community.build(kept)
    changed = {path for path, content in tree(kept / "sessions").items() if files.get(path) != content}
    assert len({path.partition("/")[0] for path in changed}) <= 2
    assert "newname" in (kept / f"players/{guid}/index.html").read_text()
    community.build(tmp_path / "fresh")
    assert tree(kept) == tree(tmp_path / "fresh")


def test_existing_ratings_are_shown(community: Community, tmp_path: Path) -> None:
    """A profile has a chart with the interval, and the newest rating among its numbers."""
    guid, _ = _somebody(community)
    community.change("DELETE FROM player_ratings")
    community.build(tmp_path / "site")
    page = tmp_path / f"site/players/{guid}/index.html"
    assert "Rating after each match" not in page.read_text()
    community.change(
        "INSERT INTO player_ratings SELECT %s, server_id, match_id, max(ended_at), 0.1, 0.05, 0.01, "
        "row_number() OVER (ORDER BY max(ended_at)), 0.1, 0.002, 0, 0.001, 0.5, 1 "
        "FROM rounds GROUP BY server_id, match_id",
        guid,
    )
    community.build(tmp_path / "site")
    shown = page.read_text()
    assert "Rating after each match" in shown
    assert "1,600 ± 98" in shown
    html5lib.HTMLParser(strict=True).parse(shown)


def test_page_of_a_merged_guid_redirects(community: Community, kept: Path) -> None:
    """The page of a merged GUID redirects, and scoreboard links work; after an undo each has its page."""
    guid, _ = _somebody(community)
    identity = next(other for other in sorted(HOSTILE_NAMES))
    before = tree(kept)
    community.change("INSERT INTO player_identities (player_guid, identity_guid) VALUES (%s, %s)", guid, identity)
    community.build(kept)
    moved = Page((kept / f"players/{guid}/index.html").read_text())
    (refresh,) = [
        attributes["content"] for tag, attributes in moved.elements if attributes.get("http-equiv") == "refresh"
    ]
    assert refresh == f"0; url=../../players/{identity}/index.html"
    linked = f"players/{guid}/index.html"
    assert [
        path for path, content in tree(kept).items() if path.endswith(".html") and linked in content.decode()
    ] == []
    community.change("DELETE FROM player_identities")
    community.build(kept)
    after = tree(kept)
    assert [path for path in before if path != MANIFEST and after.get(path) != before[path]] == []


def _everything(root: Path) -> str:
    return "\n".join(f"{path}\n{content.decode(errors='replace')}" for path, content in tree(root).items())


def test_hidden_player_is_nowhere(community: Community, kept: Path) -> None:
    """No page, JSON, feed, index or manifest contains a hidden player's name; undo restores all."""
    before, shown = tree(kept), _everything(kept)
    guid, names = _somebody(community)
    assert all(name in shown for name in (guid, *names))
    identity.hide(community.conn, guid)
    community.conn.commit()
    community.build(kept)
    left = _everything(kept)
    assert [name for name in (guid, *names) if name in left] == []
    identity.unhide(community.conn, guid)
    community.conn.commit()
    community.build(kept)
    after = tree(kept)
    assert {path: after[path] for path in after if path != MANIFEST} == {
        path: before[path] for path in before if path != MANIFEST
    }


def test_forgotten_player_is_replaced_everywhere(community: Community, kept: Path, tmp_path: Path) -> None:
    """The pseudonym replaces the player everywhere."""
    guid, names = _somebody(community)
    done = forget(community.conn, guid, tmp_path / "copies")
    community.conn.commit()
    community.build(kept)
    left = _everything(kept)
    assert [name for name in (guid, *names) if name in left] == []
    assert (kept / "players" / done.player.pseudonym_guid / "index.html").exists()
    community.build(tmp_path / "fresh")
    assert tree(kept) == tree(tmp_path / "fresh")


def _somebody(community: Community) -> tuple[str, list[str]]:
    """Return the GUID of a regular player, and names that are not part of others' names."""
    rows = community.conn.execute(
        "SELECT guid, alias FROM player_aliases WHERE guid !~ '^666' ORDER BY 1, 2"
    ).fetchall()
    everybody = {alias for _, alias in rows}
    guids = {guid for guid, _ in rows}
    for guid in sorted(guids):
        own = [alias for other, alias in rows if other == guid]
        distinct = [
            name
            for name in own
            if len(name) > 4 and name.isalnum() and sum(name in other for other in everybody) == 1
        ]
        if distinct:
            community.conn.rollback()
            return guid, distinct
    raise AssertionError("the community has nobody with a name of their own")


def test_json_equals_the_command_output(
    cli: Cli, community: Community, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys and values equal `--json`, for all pages with a command."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", community.url)

    def printed(*arguments: str) -> object:
        shown = cli(*arguments, "--json")
        assert shown.code == 0, shown.err
        return json.loads(shown.out)

    def published(path: str) -> object:
        return json.loads((site / path / "data.json").read_bytes())

    for session_id in (1, 3, 5):
        assert published(f"sessions/{session_id}") == printed("session", str(session_id))
    for round_id in (1, 7, 20):
        assert published(f"rounds/{round_id}") == printed("round", str(round_id))
    guid, _ = _somebody(community)
    profile, own = published(f"players/{guid}"), printed("player", guid)
    assert isinstance(profile, dict)
    assert isinstance(own, dict)
    assert profile.keys() == own.keys()
    for key in own:
        if key == "company":
            assert sorted(profile[key], key=str) == sorted(own[key], key=str)
        else:
            assert profile[key] == own[key], key
    assert published("leaderboards/kd") == printed("leaderboard", "--top", "kd", "--limit", "300")
    assert published("leaderboards/maps/supply/dpm") == printed(
        "leaderboard", "--top", "dpm", "--map", "supply", "--limit", "300"
    )
    assert published("leaderboards/rating") == printed("rating")
    assert published("maps") == printed("maps")
    assert published("weapons") == printed("weapons")
    assert published("sessions") == printed("sessions", "--limit", "300")


def test_no_discord_account_is_published(community: Community, kept: Path) -> None:
    """A linked player is mentioned in Discord only."""
    guid, _ = _somebody(community)
    identity.link(community.conn, guid, 123456789012345678, wants_mention=True)
    community.conn.commit()
    community.build(kept, anew=True)
    assert "123456789012345678" not in _everything(kept)


def test_empty_database_has_a_site(newcomers: Community, tmp_path: Path) -> None:
    """Without rounds, the lists exist and say so."""
    newcomers.build(tmp_path / "site")
    assert "No rounds yet" in (tmp_path / "site/index.html").read_text()
    for path in (tmp_path / "site").rglob("*.html"):
        html5lib.HTMLParser(strict=True).parse(path.read_text())


def test_url_makes_feed_links_absolute(community: Community, tmp_path: Path) -> None:
    """The feed and link cards contain the URL; a new URL changes every page, and `noindex` is on every page."""
    root = tmp_path / "site"
    community.build(root, SiteConfig(url="https://stats.example.org/et/"))
    feed = (root / "feed.xml").read_text()
    assert 'href="https://stats.example.org/et/sessions/1/index.html"' in feed
    page = Page((root / "sessions/1/index.html").read_text())
    meta = {
        attributes["property"]: attributes["content"]
        for tag, attributes in page.elements
        if tag == "meta" and "property" in attributes
    }
    assert meta["og:url"] == "https://stats.example.org/et/sessions/1/"
    assert meta["og:image"] == "https://stats.example.org/et/sessions/1/card.png"
    shown = [path.parent.name for path in (root / "players").glob("*/card.png")]
    assert set(HOSTILE_NAMES) < set(shown)
    for card in (*root.glob("sessions/*/card.png"), *root.glob("players/666*/card.png")):
        with Image.open(card) as picture:
            assert picture.size == (1080, 567)
    assert "noindex" not in (root / "index.html").read_text()
    community.build(root, SiteConfig(noindex=True, title="<b>&"))
    for path, page in pages_of(root):
        robots = [attributes["content"] for tag, attributes in page.elements if attributes.get("name") == "robots"]
        assert robots == ["noindex, nofollow"], path
    assert "example.org" not in _everything(root)


def test_card_omits_the_tag_in_player_names() -> None:
    """Names are the same with and without the tag, so that more of them fits."""
    tagged, _ = samples.tagged_session(12)
    bare = tagged._replace(players=without_tags(tagged.players, tagged.team_names))
    assert bare.players != tagged.players
    assert session_card("", tagged) == session_card("", bare)


def test_manifest_lists_every_file(site: Path) -> None:
    """Removed pages are deleted by a later build."""
    manifest = json.loads((site / MANIFEST).read_bytes())
    named = {path for _, files in manifest["groups"].values() for path in files}
    assert named == set(tree(site)) - {MANIFEST}
