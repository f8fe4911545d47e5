"""The site in a real browser: widths, schemes, with and without JavaScript, from a folder and over HTTP.

Skipped where there is no chromium, or where the extra `browser` is not installed.
"""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from PIL import Image

from etstats.site import paths
from etstats.site.server import site_server
from tests.site.conftest import HOSTILE_MAP, HOSTILE_SERVER
from tests.support.site_pages import KINDS

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the extra `browser`")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe is not installed: the extra `browser`"
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

WIDTHS = (360, 768, 1280)
GROUNDS = {"light": "rgb(244, 244, 241)", "dark": "rgb(18, 20, 24)"}
_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a headless chromium."""
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(site: Path) -> list[str]:
    """Return a page of each kind, and the hostile ones."""
    match = next((site / "matches" / "main").glob("*/index.html"))
    hostile = next((site / "matches" / paths.slug(HOSTILE_SERVER)).glob("*/index.html"))
    player = max((site / "players").glob("*/index.html"), key=lambda path: path.stat().st_size)
    others = [
        match,
        hostile,
        player,
        site / paths.map_(HOSTILE_MAP) / "index.html",
        site / "maps/supply/index.html",
    ]
    others += [site / f"players/6660000{number}/index.html" for number in (1, 4, 5, 6, 7, 8)]
    last = max((site / "sessions").glob("*/index.html"), key=lambda path: int(path.parent.name))
    return [*KINDS, *(str(path.relative_to(site)) for path in (*others, last))]


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Return the address of `etstats site serve`."""
    with site_server(site, 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def visitor(browser: Any, base: str, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    """Yield a page of a new visitor, and record console messages, errors, other hosts and dialogs."""
    complaints: list[str] = []
    context = browser.new_context(**options)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(f"{page.url}: console: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("dialog", lambda dialog: (complaints.append(f"{page.url}: a dialog"), dialog.dismiss()))
    # The icon is fetched when the page is done, and given up when the next one is asked for.
    page.on("requestfailed", lambda it: "icon.svg" in it.url or complaints.append(f"{page.url}: failed: {it.url}"))
    page.on("request", lambda request: request.url.startswith(base) or complaints.append(f"asked {request.url}"))
    page.on("response", lambda answer: answer.status < 400 or complaints.append(f"{answer.status}: {answer.url}"))
    yield page, complaints
    context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_every_page_fits_without_console_messages(
    browser: Any, site: Path, pages: list[str], scripts: bool
) -> None:
    """Opened from the folder, at all widths: no console message, no other host, no horizontal scrolling."""
    base = site.as_uri()
    with visitor(browser, base, java_script_enabled=scripts) as (page, complaints):
        for path in pages:
            page.set_viewport_size({"width": WIDTHS[0], "height": 800})
            page.goto(f"{base}/{path}")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                wide = page.evaluate("document.documentElement.scrollWidth") if scripts else _width(page)
                assert wide <= width, path
            for scheme, ground in GROUNDS.items():
                page.emulate_media(color_scheme=scheme)
                shown = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
                assert shown == ground, path
        assert complaints == []


def _width(page: Any) -> int:
    """Return the width of the content in the browser's layout."""
    session = page.context.new_cdp_session(page)
    size = session.send("Page.getLayoutMetrics")["cssContentSize"]
    session.detach()
    return int(size["width"])


def test_every_page_works_over_http(browser: Any, address: str, pages: list[str]) -> None:
    """The recommended headers cause no errors."""
    with visitor(browser, address) as (page, complaints):
        for path in pages:
            answer = page.goto(f"{address}/{path}")
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert page.locator("h1").count() == 1
        assert complaints == []


def test_axe_finds_no_violation(browser: Any, site: Path, pages: list[str]) -> None:
    """Names, contrast, structure and labels: no accessibility violation on any page, wide and light.

    On a page of each kind, what the scheme and the width can change is checked on a narrow, dark screen too.
    """
    checker, found = axe.Axe(), []
    narrow = {"runOnly": ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]}
    # axe puts its script into the page, which the page's own policy forbids.
    with visitor(browser, site.as_uri(), bypass_csp=True) as (page, _):
        for path in pages[: len(KINDS) + 6]:
            for width, scheme, only in ((1280, "light", {}), (360, "dark", narrow))[: 1 + (path in KINDS)]:
                page.set_viewport_size({"width": width, "height": 800})
                page.emulate_media(color_scheme=scheme)
                if width == 1280:
                    page.goto(f"{site.as_uri()}/{path}")
                options = {"resultTypes": ["violations"], **only}
                for violation in checker.run(page, options=options).response["violations"]:
                    nodes = [node["html"][:160] for node in violation["nodes"][:2]]
                    found.append(f"{path} {scheme}: {violation['id']}: {violation['help']}: {nodes}")
    assert found == []


@pytest.mark.parametrize("is_served", [True, False], ids=["http", "folder"])
def test_search_works_with_the_keyboard(browser: Any, site: Path, address: str, is_served: bool) -> None:
    """Tab selects the search; a former name, arrow and Enter open a player; Escape closes the list."""
    base = address if is_served else site.as_uri()
    with visitor(browser, base) as (page, complaints):
        page.goto(f"{base}/rounds/1/index.html")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "search-text":
                break
        page.keyboard.type("שלום")
        page.wait_for_selector("#search-found li")
        page.keyboard.press("Escape")
        assert page.locator("#search-found").is_hidden()
        page.keyboard.press("Backspace")
        page.wait_for_selector("#search-found li[aria-selected=true]")
        page.keyboard.press("Enter")
        page.wait_for_url("**/players/66600008/index.html")
        assert complaints == []


def test_hostile_name_in_the_search_is_text(browser: Any, site: Path) -> None:
    """The list shows the name literally."""
    with visitor(browser, site.as_uri()) as (page, complaints):
        page.goto(f"{site.as_uri()}/index.html")
        page.locator("#search-text").fill("<script>")
        page.wait_for_selector("#search-found li")
        assert page.locator("#search-found li bdi").first.inner_text() == "<script>alert('name')</script>"
        assert complaints == []


def test_tables_are_sorted_by_click_and_keyboard(browser: Any, site: Path) -> None:
    """Numbers are sorted descending, then ascending; the heading has the direction."""
    with visitor(browser, site.as_uri()) as (page, complaints):
        page.goto(f"{site.as_uri()}/players/index.html")
        heading = page.locator("thead th").filter(has_text="K/D")
        cells = page.locator("tbody tr td:nth-child(5)")
        heading.locator("button").click()
        values = [float(text) for text in cells.all_inner_texts()]
        assert values == sorted(values, reverse=True)
        assert heading.get_attribute("aria-sort") == "descending"
        page.keyboard.press("Enter")
        assert [float(text) for text in cells.all_inner_texts()] == sorted(values)
        assert heading.get_attribute("aria-sort") == "ascending"
        assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_wide_table_has_a_shade_at_its_edge(browser: Any, site: Path, scheme: str) -> None:
    """A table wider than the page has a shade at its right edge until it is scrolled to the end."""
    options = {"viewport": {"width": 360, "height": 800}, "color_scheme": scheme}
    with visitor(browser, site.as_uri(), **options) as (page, complaints):
        page.goto(f"{site.as_uri()}/players/index.html")
        table = page.locator(".scroll").first
        box = table.bounding_box()
        # Between the heads and the first row, where no text is.
        strip = {"x": box["x"] + box["width"] - 14, "y": box["y"] + 2, "width": 9, "height": 3}
        colours = []
        for to in ("0", "100000"):
            table.evaluate(f"element => {{ element.scrollLeft = {to}; }}")
            picture = Image.open(io.BytesIO(page.screenshot(clip=strip))).convert("L")
            colours.append(picture.crop((0, 1, 9, 2)).tobytes())
        cut, end = colours
        assert cut[8] < cut[0]
        assert set(end) == {end[0]}
        assert complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_bar_labels_are_complete(browser: Any, site: Path, width: int) -> None:
    """The names of all weapons are complete, including the longest."""
    with visitor(browser, site.as_uri(), viewport={"width": width, "height": 800}) as (page, complaints):
        page.goto(f"{site.as_uri()}/weapons/index.html")
        fits = "text => text.getComputedTextLength() <= text.parentNode.getBoundingClientRect().width"
        labels = page.locator("svg.labelled text.label")
        assert "GRENADELAUNCHER" in labels.all_text_contents()
        assert all(label.evaluate(fits) for label in labels.all())
        assert complaints == []


def test_charts_show_values_at_the_pointer(browser: Any, site: Path) -> None:
    """The value of a mark is in the page, and shown at the pointer."""
    with visitor(browser, site.as_uri()) as (page, complaints):
        page.goto(f"{site.as_uri()}/weapons/index.html")
        mark = page.locator("svg.chart rect.bar").first
        value = mark.locator("title").text_content()
        assert "kills" in value
        mark.hover()
        page.wait_for_selector(".tip")
        assert page.locator(".tip").inner_text() == value
        assert complaints == []
