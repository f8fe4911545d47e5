"""Tests of the renderer that measures the heights of posts: what fits a phone, and that no text becomes markup."""

from html.parser import HTMLParser
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.support.discord_client import (
    DESKTOP,
    PHONE,
    Shown,
    find_browser,
    markdown,
    measure,
    screenshot,
    to_html,
)
from tests.support.hostile import HOSTILE

needs_browser = pytest.mark.skipif(find_browser() is None, reason="Chromium is not installed")


class Elements(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def post(**embed):
    return {"embeds": [{"color": 0x3B82F6, **embed}]}


def picture(width, height):
    out = BytesIO()
    Image.new("RGB", (width, height), "#ff0000").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**bold** and \\*\\*stars\\*\\*", "<b>bold</b> and **stars**"),
        ("*a* _b_ __c__ ~~d~~", "<i>a</i> <i>b</i> <u>c</u> <s>d</s>"),
        ("snake_case_name", "snake_case_name"),
        ("||gone||", '<span class="spoiler">gone</span>'),
        ("`a*b*`", "<code>a*b*</code>"),
        ("[**map**](https://example.org/m)", '<span class="link"><b>map</b></span>'),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ("<t:1759440498:t> <@123>", '<span class="timestamp">21:28</span> <span class="mention">@mention</span>'),
        ("@\u200beveryone", "@everyone"),
    ],
)
def test_inline_markdown_is_rendered(text, shown):
    assert markdown(text) == f'<div class="line">{shown}</div>'


@pytest.mark.parametrize(
    ("text", "kind"), [("-# x", "subtext"), ("## x", "h2"), ("> x", "quote"), ("- x", "item")]
)
def test_prefix_styles_the_complete_line(text, kind):
    assert markdown(text).startswith(f'<div class="line {kind}">')


def test_code_block_shows_its_text_literally():
    """Markdown in it is not rendered, and the line break after it is not an empty line."""
    shown = '<pre><div>**a**</div><div>&lt;b&gt;</div></pre><div class="line">after</div>'
    assert markdown("```\n**a**\n<b>\n```\nafter") == shown


@given(
    st.one_of(st.text(), st.sampled_from([*HOSTILE, "<script>x</script>", '"><img src=x onerror=y>', "</style>"]))
)
def test_text_never_becomes_an_element(text):
    """With any name, the page has the elements of a plain message and no handler."""
    embed = {"title": text, "description": text, "author": {"name": text}, "footer": {"text": text}}
    message = {"content": text, "username": text, "embeds": [embed | {"fields": [{"name": text, "value": text}]}]}
    page = Elements(to_html([(message, {})]))
    assert page.tags <= {"meta", "style", "div", "span", "b", "i", "u", "s", "code", "pre", "br", "script"}
    assert page.attributes <= {"charset", "http-equiv", "content", "nonce", "id", "class"}


@needs_browser
def test_code_block_of_35_columns_fits_a_phone():
    """One more column is wrapped, which the size shows."""
    rows = [measure([(post(description=f"```\n{'x' * columns}\n```"), {})])[0] for columns in (35, 36)]
    assert [row.wrapped_rows for row in rows] == [0, 1]
    assert rows[0].height < rows[1].height


@needs_browser
def test_each_part_adds_to_the_height():
    """Each omitted part of a message reduces its height."""
    parts = {
        "title": "title",
        "description": "text",
        "author": {"name": "server"},
        "footer": {"text": "file"},
        "fields": [{"name": "name", "value": "value"}],
        "image": {"url": "attachment://a.png"},
    }
    files = {"a.png": picture(100, 50)}
    shown = [
        (post(**{name: part for name, part in parts.items() if name != left}), files if left != "image" else {})
        for left in parts
    ]
    whole, *others = measure([(post(**parts), files), *shown])
    assert all(other.height < whole.height for other in others)


@needs_browser
def test_image_has_the_width_of_the_embed():
    """A 2:1 image has half the embed's inner width as height; on a desktop, at most 300 pixels."""
    message = post(image={"url": "attachment://a.png"})
    with_image, without = measure([(message, {"a.png": picture(1080, 540)}), (message, {})])
    assert with_image.height - without.height == 282 // 2 + 12
    with_image, without = measure([(message, {"a.png": picture(1000, 2000)}), (message, {})], DESKTOP)
    assert with_image.height - without.height == 300 + 12


@needs_browser
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_screenshot_shows_the_complete_message(width):
    """The picture has two pixels for each CSS pixel and the embed's colour."""
    shown: list[Shown] = [(post(title="supply", description="\n".join(HOSTILE)), {})]
    taken = Image.open(BytesIO(screenshot(shown, width))).convert("RGB")
    assert taken.size == (2 * width, 2 * measure(shown, width)[0].height)
    assert (0x3B, 0x82, 0xF6) in {colour for _, colour in taken.getcolors(1 << 20) or ()}
